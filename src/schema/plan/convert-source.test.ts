import { runInThisContext } from "node:vm";
import { v, type GenericValidator, type ValidatorJSON } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  documentTypes,
  editedDocumentType,
  validatorPair,
  valuesOf,
} from "../../../suites/arbitraries/validators.js";
import { parseValidator } from "../definition/parse-validator.js";
import { tableOfSampleId } from "../subtyping/outside.js";
import { compileValidator } from "../validation/compiled-checks.js";
import { ConversionWriter } from "./convert-source.js";
import { mergeTypes } from "./widen-schema.js";

const context = { tableOfId: tableOfSampleId };

function json(of: GenericValidator): ValidatorJSON {
  return parseValidator(JSON.stringify(Reflect.get(of, "json")));
}

function write(before: GenericValidator, after: GenericValidator, renames = new Map<string, string>()) {
  const writer = new ConversionWriter("t", renames);
  return { source: writer.convert(json(before), json(after), "x"), writer };
}

function evaluate(source: string, value: unknown): unknown {
  const run: unknown = runInThisContext(
    `(x) => { const unfinished = (what) => { throw new Error(what); }; return (${source}); }`,
  );
  return typeof run === "function" ? run(value) : undefined;
}

test.each<[string, GenericValidator, GenericValidator, string]>([
  ["what fits is untouched", v.string(), v.nullable(v.string()), "x"],
  ["a number becomes text", v.number(), v.string(), "String(x)"],
  [
    "a nullable number too",
    v.nullable(v.number()),
    v.nullable(v.string()),
    'typeof x === "number" ? String(x) : x',
  ],
  ["null becomes a value", v.nullable(v.string()), v.string(), 'x === null ? "" : x'],
  [
    "a literal that is gone becomes one that is left",
    v.union(v.literal("a"), v.literal("b")),
    v.union(v.literal("a"), v.literal("c")),
    'x === "b" ? "a" : x',
  ],
  [
    "a field comes and one goes",
    v.object({ a: v.string(), b: v.null() }),
    v.object({ a: v.string(), c: v.boolean() }),
    "(({ b: _b, ...kept }) => ({ ...kept, c: false }))(x)",
  ],
  [
    "a field becomes required",
    v.object({ a: v.optional(v.string()) }),
    v.object({ a: v.string() }),
    '{ ...x, a: x.a === undefined ? "" : x.a }',
  ],
  [
    "elements of arrays",
    v.array(v.array(v.number())),
    v.array(v.array(v.string())),
    "x.map((item) => item.map((item2) => String(item2)))",
  ],
  [
    "values of records",
    v.record(v.string(), v.number()),
    v.record(v.string(), v.object({ n: v.number() })),
    'Object.fromEntries(Object.entries(x).map(([key, value]) => [key, unfinished("t.values() from v.float64() to v.object({n: v.float64()})")]))',
  ],
  ["one value becomes a list of one", v.string(), v.array(v.string()), "[x]"],
  ["an id is the author's", v.id("a"), v.id("b"), 'unfinished("t from v.id(\\"a\\") to v.id(\\"b\\")")'],
])("%s", (_name, before, after, source) => {
  expect(write(before, after).source).toBe(source);
});

test("a renamed field moves, also where some documents have the new name already", () => {
  const renames = new Map([[".name", "fullName"]]);
  const after = v.object({ fullName: v.string() });
  const { source } = write(v.object({ name: v.string() }), after, renames);
  expect(evaluate(source, { name: "A" })).toEqual({ fullName: "A" });
  const both = v.object({ name: v.optional(v.string()), fullName: v.optional(v.string()) });
  const merged = write(both, after, renames).source;
  expect(evaluate(merged, { name: "A" })).toEqual({ fullName: "A" });
  expect(evaluate(merged, { fullName: "B" })).toEqual({ fullName: "B" });
  expect(evaluate(merged, {})).toEqual({ fullName: "" });
});

test("made up values and open questions are listed", () => {
  const { writer } = write(v.object({}), v.object({ a: v.string(), owner: v.id("users") }));
  expect(writer.decisions).toEqual(['t.a: "" where there is no value yet']);
  expect(writer.unresolved).toEqual(['t.owner needs a value of v.id("users")']);
});

const documentPair = documentTypes.chain((before) =>
  fc.tuple(fc.constant(before), editedDocumentType(before).chain(editedDocumentType)),
);

test("a conversion without open questions yields what fits the new type, or throws", () => {
  let converted = 0;
  fc.assert(
    fc.property(
      fc
        .oneof(validatorPair, documentPair)
        .chain(([before, after]) =>
          fc.tuple(fc.constant(before), fc.constant(after), valuesOf(before) ?? fc.constant(undefined)),
        ),
      ([before, after, value]) => {
        fc.pre(value !== undefined);
        const writer = new ConversionWriter("t", new Map());
        const source = writer.convert(before, after, "x");
        const result = evaluateOrThrow(source, value);
        fc.pre(result !== undefined);
        converted++;
        expect(compileValidator(after).check(result?.value, context)).toEqual([]);
      },
    ),
    { numRuns: 2000 },
  );
  expect(converted).toBeGreaterThan(500);
});

test("a conversion from both shapes changes nothing that is new, and nothing twice", () => {
  fc.assert(
    fc.property(
      documentPair.chain(([before, after]) =>
        fc.tuple(fc.constant(before), fc.constant(after), valuesOf(before) ?? fc.constant(undefined)),
      ),
      ([before, after, value]) => {
        fc.pre(value !== undefined);
        const merged = mergeTypes(before, after);
        const writer = new ConversionWriter("t", new Map());
        const source = writer.convert(merged, after, "x");
        fc.pre(writer.unresolved.length === 0);
        const once = evaluateOrThrow(source, value);
        fc.pre(once !== undefined);
        expect(compileValidator(after).check(once?.value, context)).toEqual([]);
        expect(evaluate(source, once?.value)).toEqual(once?.value);
      },
    ),
    { numRuns: 1000 },
  );
});

function evaluateOrThrow(source: string, value: unknown): { value: unknown } | undefined {
  try {
    return { value: evaluate(source, value) };
  } catch {
    return undefined;
  }
}
