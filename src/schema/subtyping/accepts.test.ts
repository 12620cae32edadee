import { v, type GenericValidator, type ValidatorJSON } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { validator, validatorPair, valuesOf } from "../../../suites/arbitraries/validators.js";
import { parseValidator } from "../definition/parse-validator.js";
import { compileValidator } from "../validation/compiled-checks.js";
import { accepts, equivalent, include } from "./accepts.js";
import { tableOfSampleId } from "./outside.js";

const context = { tableOfId: tableOfSampleId };

function json(of: GenericValidator): ValidatorJSON {
  return parseValidator(JSON.stringify(Reflect.get(of, "json")));
}

function relation(old: GenericValidator, next: GenericValidator): string {
  const [before, after] = [json(old), json(next)];
  const forwards = accepts(after, before);
  const backwards = accepts(before, after);
  if (forwards) return backwards ? "same" : "wider";
  return backwards ? "narrower" : "other";
}

test.each<[string, GenericValidator, GenericValidator]>([
  ["wider", v.string(), v.any()],
  ["wider", v.string(), v.union(v.string(), v.null())],
  ["wider", v.literal("a"), v.string()],
  ["wider", v.id("users"), v.string()],
  ["wider", v.object({ a: v.string() }), v.object({ a: v.optional(v.string()) })],
  ["wider", v.object({}), v.object({ a: v.optional(v.string()) })],
  ["wider", v.object({ a: v.string() }), v.record(v.string(), v.string())],
  ["wider", v.record(v.id("users"), v.null()), v.record(v.string(), v.null())],
  ["wider", v.array(v.literal(1)), v.array(v.number())],
  ["wider", v.union(v.array(v.null()), v.array(v.string())), v.array(v.nullable(v.string()))],
  ["wider", v.array(v.union()), v.array(v.string())],
  ["same", v.boolean(), v.union(v.literal(true), v.literal(false))],
  ["same", v.union(v.string(), v.null()), v.nullable(v.union(v.string()))],
  ["same", v.int64(), v.commitTs()],
  ["same", v.string(), v.union(v.string(), v.id("users"), v.literal("a"))],
  [
    "same",
    v.object({ a: v.boolean() }),
    v.union(v.object({ a: v.literal(true) }), v.object({ a: v.literal(false) })),
  ],
  ["same", v.object({ a: v.optional(v.null()) }), v.union(v.object({ a: v.null() }), v.object({}))],
  [
    "same",
    v.any(),
    v.union(
      ...[v.null(), v.boolean(), v.number(), v.int64(), v.string(), v.bytes(), v.array(v.any())],
      v.record(v.string(), v.any()),
    ),
  ],
  ["same", v.object({ a: v.union() }), v.union()],
  ["other", v.literal(0), v.literal(-0)],
  ["other", v.id("users"), v.id("posts")],
  ["other", v.object({ a: v.string() }), v.object({ b: v.string() })],
  ["other", v.record(v.id("users"), v.null()), v.object({ a: v.null() })],
  ["narrower", v.string(), v.union(v.id("users"), v.id("posts"))],
  ["narrower", v.object({ a: v.optional(v.string()) }), v.object({ a: v.string() })],
  ["narrower", v.object({ a: v.optional(v.string()) }), v.object({})],
  ["narrower", v.record(v.string(), v.null()), v.object({ a: v.null() })],
  [
    "narrower",
    v.object({ a: v.boolean(), b: v.boolean() }),
    v.union(
      v.object({ a: v.literal(true), b: v.boolean() }),
      v.object({ a: v.literal(false), b: v.literal(true) }),
    ),
  ],
])("the second compared with the first: %s", (expected, first, second) => {
  expect(relation(first, second)).toBe(expected);
});

test("what is accepted never holds a value that does not fit", () => {
  fc.assert(
    fc.property(
      validatorPair.chain(([old, next]) =>
        fc.tuple(fc.constant(old), fc.constant(next), valuesOf(old) ?? fc.constant(undefined)),
      ),
      ([old, next, value]) => {
        fc.pre(value !== undefined);
        expect(compileValidator(old).check(value, context)).toEqual([]);
        if (accepts(next, old)) expect(compileValidator(next).check(value, context)).toEqual([]);
      },
    ),
    { numRuns: 2000 },
  );
});

test("what is refused comes with a value that proves it", () => {
  fc.assert(
    fc.property(validatorPair, ([old, next]) => {
      const inclusion = include(next, old);
      fc.pre(inclusion.kind === "refused");
      const value = inclusion.kind === "refused" ? inclusion.value : undefined;
      expect(compileValidator(old).check(value, context)).toEqual([]);
      expect(compileValidator(next).fits(value, context)).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

test("every validator accepts itself, also wrapped in a union, and any accepts it", () => {
  fc.assert(
    fc.property(validator, validator, (type, other) => {
      expect(equivalent(type, { type: "union", value: [type] })).toBe(true);
      expect(accepts({ type: "union", value: [other, type] }, type)).toBe(true);
      expect(accepts({ type: "any" }, type)).toBe(true);
    }),
  );
});

test("a search that outgrows its budget is undecided, and so not accepted", () => {
  const names = Array.from({ length: 14 }, (_unused, index) => `f${index}`);
  const flags = (bits: number): ValidatorJSON => ({
    type: "object",
    value: Object.fromEntries(
      names.map((name, index) => [
        name,
        { fieldType: { type: "literal", value: (bits >> index) % 2 === 1 }, optional: false },
      ]),
    ),
  });
  const all: ValidatorJSON = {
    type: "object",
    value: Object.fromEntries(
      names.map((name) => [name, { fieldType: { type: "boolean" }, optional: false }]),
    ),
  };
  const cases = { type: "union" as const, value: Array.from({ length: 2 ** 14 }, (_u, i) => flags(i)) };
  expect(include(cases, all).kind).toBe("undecided");
  expect(accepts(cases, all)).toBe(false);
});
