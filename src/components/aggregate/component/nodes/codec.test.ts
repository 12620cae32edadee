import { jsonToConvex, type CommitTsPlaceholder, type Value } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { value } from "../../../../../suites/arbitraries/values.js";
import { Position, withoutTrailingNulls, type ExactSum, type Node, type Summary } from "../../tree/index.js";
import { decodeNode, encodeNode, nodeCodec } from "./codec.js";
import { MalformedText } from "./text.js";

const adversarial = fc.constantFrom<Value>(
  "\0",
  "\0\0\0a\x02",
  "\x02\x02",
  "\ud800",
  "x\udc00\ud800",
  "😀é",
  "\x7f\x80\xff",
  -0,
  0,
  NaN,
  -Infinity,
  5e-324,
  1.7976931348623157e308,
  2 ** 30,
  -(2 ** 30),
  -(2n ** 63n),
  2n ** 63n - 1n,
  0n,
  new ArrayBuffer(40),
  [null, ["a\0"], { "": 1 }],
  "x".repeat(3000),
);
const key = fc.oneof(adversarial, value);
const position = fc
  .tuple(key, fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.constantFrom("", "\0", "\ud800")))
  .map(([of, id]) => new Position(of, id));
const number = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, 2 ** 30, 2 ** 31, 2 ** 53, NaN));
const numberOrNull = fc.option(number);
const sum: fc.Arbitrary<ExactSum> = fc.oneof(
  number.filter((of) => Number.isFinite(of)),
  fc.constantFrom<ExactSum>([1e300, 1e-300], "-1f00", {
    finite: [1, 1e-20],
    nan: 1,
    positive: 0,
    negative: 2,
  }),
);
const measure = fc.record({ count: fc.nat(), sum, min: numberOrNull, max: numberOrNull });
const summary: fc.Arbitrary<Summary> = fc.record({
  count: fc.nat(),
  digest: fc.option(fc.maxSafeInteger().map(Math.abs)),
  measures: fc.array(measure, { maxLength: 3 }),
});
const leaf = fc
  .array(fc.tuple(position, fc.array(numberOrNull, { maxLength: 3 })), { maxLength: 40 })
  .map((items): Node => ({
    level: 0,
    items: items.map(([of, values]) => ({ position: of, values: withoutTrailingNulls(values) })),
  }));
const branch = fc
  .tuple(
    fc.integer({ min: 1, max: 40 }),
    fc.array(fc.tuple(position, fc.nat(), fc.option(summary)), { maxLength: 40 }),
  )
  .map(([level, children]): Node => ({
    level,
    children: children.map(([low, ref, of]) => ({ low, ref: ref.toString(36), summary: of })),
  }));
const node = fc.oneof(leaf, branch);

/** What a node says, with its keys decoded. */
function said(of: Node): unknown {
  return "items" in of
    ? of.items.map((item) => [item.position.order, item.position.key, item.position.id, item.values])
    : [of.level, of.children.map(({ low, ...rest }) => [low.order, low.key, low.id, rest])];
}

test("a node that is stored says the same again, and has the same text", () => {
  fc.assert(
    fc.property(node, (original) => {
      const text = encodeNode(original);
      const found = decodeNode(text);
      expect(said(found)).toEqual(said(original));
      expect(encodeNode(found)).toBe(text);
      expect(text).not.toContain("\0");
    }),
    { numRuns: 500 },
  );
});

test("a key that only the commit resolves stays one", () => {
  const placeholder = jsonToConvex({ $commitTs: null }) as CommitTsPlaceholder;
  const positions = [
    new Position([1], "a"),
    new Position([placeholder, 2], "b"),
    new Position(2n ** 63n - 1n, "c"),
  ];
  const original: Node = { level: 0, items: positions.map((of) => ({ position: of, values: [] })) };
  const found = decodeNode(encodeNode(original));
  expect("items" in found && found.items.map((item) => item.position.isUnresolved)).toEqual([
    false,
    true,
    false,
  ]);
  expect(said(found)).toEqual(said(original));
});

test("a text that is damaged gives a node that says something else or cannot be read, and never anything worse", () => {
  fc.assert(
    fc.property(node, fc.string({ unit: "binary", maxLength: 3 }), fc.nat(), (original, junk, seed) => {
      const text = encodeNode(original);
      const at = seed % text.length;
      const broken = text.slice(0, at) + junk + text.slice(at + (seed % 3));
      const found = nodeCodec.decode(broken);
      if (found === null) expect(() => decodeNode(broken)).toThrow(MalformedText);
      try {
        if (found !== null) said(found);
      } catch (error) {
        expect(error).toMatchObject({ data: { code: "TREE_DAMAGED" } });
      }
    }),
    { numRuns: 1000 },
  );
});

test("a text that is cut off, or goes on, cannot be read", () => {
  fc.assert(
    fc.property(node, fc.nat(), (original, seed) => {
      const text = encodeNode(original);
      expect(nodeCodec.decode(text.slice(0, seed % text.length))).toBeNull();
      expect(nodeCodec.decode(`${text}0`)).toBeNull();
    }),
  );
});
