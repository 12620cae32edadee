import { type GenericValidator, v, type ValidatorJSON } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { validatorPair, valuesOf } from "../../../suites/arbitraries/validators.js";
import { tableOfSampleId } from "../subtyping/outside.js";
import type { CheckContext } from "./compile-fits.js";
import { checkValue, compileValidator } from "./compiled-checks.js";
import { describeViolation, describeViolations, violationGroup } from "./violation.js";
import { explain } from "./explain.js";

const context: CheckContext = { tableOfId: (id) => /^(\w+):/.exec(id)?.[1] ?? null };

function json(validator: GenericValidator): ValidatorJSON {
  const field: unknown = JSON.parse(JSON.stringify(Reflect.get(validator, "json")));
  return field as ValidatorJSON;
}

function check(validator: GenericValidator, value: unknown) {
  return checkValue(json(validator), value, context);
}

function message(validator: GenericValidator, value: unknown): string {
  return describeViolations(check(validator, value));
}

test.each<[string, GenericValidator, unknown[], unknown[]]>([
  ["any", v.any(), [null, 1, "x", {}], [undefined]],
  ["null", v.null(), [null], [0, "", undefined]],
  ["number", v.number(), [0, -0, NaN, Infinity], [1n, "1", null]],
  ["int64", v.int64(), [0n, -5n], [0, "0"]],
  ["boolean", v.boolean(), [true, false], [0, null]],
  ["string", v.string(), ["", "x"], [1, null]],
  ["bytes", v.bytes(), [new ArrayBuffer(2)], ["", new Uint8Array(2), {}]],
  ["literal string", v.literal("a"), ["a"], ["b", 1]],
  ["literal zero", v.literal(0), [0], [-0, 0n, false]],
  ["literal minus zero", v.literal(-0), [-0], [0]],
  ["literal bigint", v.literal(3n), [3n], [3, 4n]],
  ["literal NaN", v.literal(NaN), [NaN], [0]],
  ["id", v.id("users"), ["users:1"], ["posts:1", "x", 1]],
  ["array", v.array(v.number()), [[], [1, 2]], [[1, "2"], [undefined], {}]],
  ["record", v.record(v.string(), v.number()), [{}, { a: 1 }], [{ a: "x" }, { é: 1 }, { $a: 1 }, []]],
  ["record of ids", v.record(v.id("users"), v.null()), [{ "users:1": null }], [{ a: null }]],
  ["union", v.union(v.string(), v.null()), ["x", null], [1, undefined]],
  ["empty union", v.union(), [], [null, 1, {}]],
  ["union of literals", v.union(v.literal("a"), v.literal(0)), ["a", 0], ["b", -0, 1]],
  [
    "object",
    v.object({ a: v.string(), b: v.optional(v.number()) }),
    [{ a: "x" }, { a: "x", b: 1 }, { a: "x", b: undefined }, { a: "x", c: undefined }],
    [{}, { a: 1 }, { a: "x", b: null }, { a: "x", c: 1 }, [], null, new Map()],
  ],
  [
    "object with fields that every object inherits",
    v.object({ constructor: v.optional(v.string()), toString: v.optional(v.null()) }),
    [{}, { constructor: "x" }],
    [{ constructor: 1 }, { valueOf: 1 }],
  ],
  [
    "tagged union",
    v.union(
      v.object({ kind: v.literal("a"), a: v.number() }),
      v.object({ kind: v.literal("b"), b: v.string() }),
    ),
    [
      { kind: "a", a: 1 },
      { kind: "b", b: "" },
    ],
    [{ kind: "a", b: "" }, { kind: "c" }, {}, "a"],
  ],
])("%s takes what it should and nothing else", (_name, validator, fitting, unfitting) => {
  const compiled = compileValidator(json(validator));
  for (const value of fitting) {
    expect(compiled.fits(value, context)).toBe(true);
    expect(compiled.check(value, context)).toEqual([]);
  }
  for (const value of unfitting) {
    expect(compiled.fits(value, context)).toBe(false);
    expect(compiled.check(value, context).length).toBeGreaterThan(0);
  }
});

test("a missing field is described in Convex's words", () => {
  expect(message(v.object({ name: v.string(), age: v.optional(v.number()) }), { age: 3 })).toBe(
    "Object is missing the required field `name`. Consider wrapping the field validator in `v.optional(...)` if this is expected.\n\nObject: {age: 3}\nValidator: v.object({age: v.optional(v.float64()), name: v.string()})",
  );
});

test("an extra field is described in Convex's words", () => {
  expect(message(v.object({}), { extra: 1 })).toBe(
    "Object contains extra field `extra` that is not in the validator.\n\nObject: {extra: 1}\nValidator: v.object({})",
  );
});

test("a value of another type is described with its path", () => {
  const links = v.object({ links: v.array(v.object({ url: v.string() })) });
  expect(message(links, { links: [{ url: "" }, { url: null }] })).toBe(
    "Value does not match validator.\nPath: .links[1].url\nValue: null\nValidator: v.string()",
  );
});

test("an id of another table is described with both tables", () => {
  expect(message(v.object({ author: v.id("users") }), { author: "posts:1" })).toBe(
    'Found ID "posts:1" from table `posts`, which does not match the table name in validator `v.id("users")`.\nPath: .author',
  );
});

test("every violation of a value is reported, each at its place", () => {
  const validator = v.object({ a: v.string(), b: v.object({ c: v.number() }), d: v.null() });
  const violations = check(validator, { a: 1, b: { c: "x", e: 1 } });
  expect(violations.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    "noMatch .a",
    "noMatch .b.c",
    "extraField .b.e",
    "missingField .d",
  ]);
  expect(describeViolations(violations)).toMatch(/^Value has 4 violations/);
});

test("a union reports what is wrong inside the member that is plainly meant", () => {
  const nullable = v.union(v.null(), v.object({ name: v.string() }));
  expect(check(nullable, { name: 1 }).map(({ path }) => path)).toEqual([".name"]);
  const tagged = v.union(
    v.object({ kind: v.literal("a"), a: v.number() }),
    v.object({ kind: v.literal("b"), b: v.string() }),
  );
  expect(check(tagged, { kind: "b" }).map(({ path }) => path)).toEqual([".b"]);
  expect(check(tagged, { kind: "c" })[0]).toMatchObject({ kind: "noMatch", path: "" });
});

test("violations that differ only in element and document count as one group", () => {
  const validator = v.object({ tags: v.array(v.string()) });
  const groups = check(validator, { tags: [1, 2] }).map(violationGroup);
  expect(new Set(groups)).toEqual(new Set(["noMatch at .tags[]: expected v.string()"]));
});

test("a long value is shortened and a long list of violations bounded", () => {
  const [violation] = check(v.number(), "x".repeat(1e6));
  expect(violation?.actual.length).toBeLessThanOrEqual(400);
  expect(describeViolation(violation!).length).toBeLessThan(600);
  expect(
    check(
      v.array(v.null()),
      Array.from({ length: 1000 }, () => 1),
    ).length,
  ).toBe(64);
});

test("a value that fits shares one empty list of violations", () => {
  const { check: compiled } = compileValidator(json(v.object({ a: v.string() })));
  expect(compiled({ a: "x" }, context)).toBe(compiled({ a: "y" }, context));
});

test("the quick check and the explanation agree on every value", () => {
  fc.assert(
    fc.property(
      validatorPair.chain(([first, second]) =>
        fc.tuple(fc.constant(second), valuesOf(first) ?? fc.constant(undefined)),
      ),
      ([validator, value]) => {
        const samples: CheckContext = { tableOfId: tableOfSampleId };
        const fits = compileValidator(validator).fits(value, samples);
        expect(explain(validator, value, samples).length === 0).toBe(fits);
      },
    ),
    { numRuns: 1000 },
  );
});
