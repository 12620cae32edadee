import { defineSchema, defineTable, type GenericSchema } from "convex/server";
import { v, type GenericValidator } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { documentTypes, editedDocumentType, validatorPair } from "../../../suites/arbitraries/validators.js";
import { parseSchema } from "../definition/parse-schema.js";
import type { SchemaJson } from "../schema-json.js";
import { accepts } from "../subtyping/accepts.js";
import { root } from "../validation/place.js";
import { diffSchemas, noSchema } from "./diff-schemas.js";
import { diffType } from "./diff-type.js";
import { applyRenames } from "./renames.js";
import { rules } from "./rules.js";
import { changeTarget } from "./schema-change.js";

function schema(tables: GenericSchema, schemaValidation = true): SchemaJson {
  return parseSchema(defineSchema(tables, { schemaValidation }));
}

function t(fields: Record<string, GenericValidator>): SchemaJson {
  return schema({ t: defineTable(fields) });
}

function changes(before: SchemaJson, after: SchemaJson): string[] {
  return diffSchemas(before, after).map((change) => `${change.rule} ${changeTarget(change)}`);
}

const plain = defineTable({ a: v.string(), b: v.string(), n: v.array(v.number()) });
const index = (fields: ["a" | "b"]) =>
  defineTable({ a: v.string(), b: v.string(), n: v.array(v.number()) }).index("x", fields);

const examples: readonly (readonly [string, SchemaJson, SchemaJson])[] = [
  ["field-added-optional t.a", t({}), t({ a: v.optional(v.string()) })],
  ["field-added-required t.a", t({}), t({ a: v.string() })],
  ["field-made-optional t.a", t({ a: v.string() }), t({ a: v.optional(v.string()) })],
  ["field-made-required t.a", t({ a: v.optional(v.string()) }), t({ a: v.string() })],
  ["field-removed t.a", t({ a: v.string() }), t({})],
  ["field-removed t.a", t({ a: v.optional(v.string()) }), t({})],
  ["type-widened t.a", t({ a: v.string() }), t({ a: v.any() })],
  ["type-widened t.a", t({ a: v.id("t") }), t({ a: v.string() })],
  ["type-narrowed t.a", t({ a: v.any() }), t({ a: v.string() })],
  ["type-narrowed t.a", t({ a: v.string() }), t({ a: v.id("t") })],
  ["type-narrowed t.a", t({ a: v.string() }), t({ a: v.union(v.literal("x"), v.literal("y")) })],
  ["type-changed t.a", t({ a: v.string() }), t({ a: v.number() })],
  ["type-changed t.a", t({ a: v.record(v.string(), v.null()) }), t({ a: v.array(v.null()) })],
  ["type-rewritten t.a", t({ a: v.boolean() }), t({ a: v.union(v.literal(true), v.literal(false)) })],
  ["id-table-changed t.a", t({ a: v.id("x") }), t({ a: v.id("y") })],
  ["union-member-added t.a", t({ a: v.string() }), t({ a: v.nullable(v.string()) })],
  ["union-member-removed t.a", t({ a: v.nullable(v.string()) }), t({ a: v.string() })],
  ["literal-added t.a", t({ a: v.literal("x") }), t({ a: v.union(v.literal("x"), v.literal("y")) })],
  ["literal-removed t.a", t({ a: v.union(v.literal("x"), v.literal("y")) }), t({ a: v.literal("x") })],
  ["table-added t", schema({}), t({})],
  ["table-removed t", t({}), schema({})],
  ["validation-turned-on t", schema({ t: plain }, false), schema({ t: plain })],
  ["validation-turned-on t", noSchema, schema({ t: plain })],
  ["validation-turned-off *", schema({ t: plain }), schema({ t: plain }, false)],
  [
    "unenforced-type-changed t",
    schema({ t: defineTable({ a: v.null() }) }, false),
    schema({ t: plain }, false),
  ],
  [
    "staged-type-changed t",
    schema({ t: plain }),
    schema({
      t: defineTable({ a: v.string(), b: v.string(), n: v.array(v.number()) }).staged({ a: v.any() }),
    }),
  ],
  ["index-added t index x", schema({ t: plain }), schema({ t: index(["a"]) })],
  ["index-changed t index x", schema({ t: index(["a"]) }), schema({ t: index(["b"]) })],
  ["index-removed t index x", schema({ t: index(["a"]) }), schema({ t: plain })],
  [
    "index-staged t index x",
    t({ a: v.string() }),
    schema({ t: defineTable({ a: v.string() }).index("x", { fields: ["a"], staged: true }) }),
  ],
  [
    "index-enabled t index x",
    schema({ t: defineTable({ a: v.string() }).index("x", { fields: ["a"], staged: true }) }),
    schema({ t: defineTable({ a: v.string() }).index("x", ["a"]) }),
  ],
  ...searchExamples(),
  ...vectorExamples(),
];

function searchExamples(): [string, SchemaJson, SchemaJson][] {
  const fields = { a: v.string(), b: v.string() };
  const on = (searchField: "a" | "b") => schema({ t: defineTable(fields).searchIndex("x", { searchField }) });
  return [
    ["search-index-added t index x", t(fields), on("a")],
    ["search-index-changed t index x", on("a"), on("b")],
    ["search-index-removed t index x", on("a"), t(fields)],
  ];
}

function vectorExamples(): [string, SchemaJson, SchemaJson][] {
  const fields = { a: v.array(v.number()) };
  const of = (dimensions: number) =>
    schema({ t: defineTable(fields).vectorIndex("x", { vectorField: "a", dimensions }) });
  return [
    ["vector-index-added t index x", t(fields), of(4)],
    ["vector-index-changed t index x", of(4), of(8)],
    ["vector-index-removed t index x", of(4), t(fields)],
  ];
}

test.each(examples)("%s", (expected, before, after) => {
  expect(changes(before, after)).toEqual([expected]);
});

test("every rule has an example, those of declared renames apart", () => {
  const shown = new Set(examples.map(([expected]) => expected.split(" ")[0]));
  const renames = ["field-renamed", "table-renamed"];
  expect(new Set([...shown, ...renames])).toEqual(new Set(Object.keys(rules)));
});

test("changes are told where they are: in objects, arrays, records and the members of unions", () => {
  const click = v.object({ kind: v.literal("click"), x: v.number() });
  const before = t({
    o: v.object({ a: v.string(), b: v.null() }),
    l: v.array(v.object({ a: v.string() })),
    r: v.record(v.string(), v.number()),
    k: v.record(v.string(), v.null()),
    u: v.union(click, v.object({ kind: v.literal("key"), code: v.string() })),
  });
  const after = t({
    o: v.object({ a: v.number(), b: v.null() }),
    l: v.array(v.object({ a: v.optional(v.string()) })),
    r: v.record(v.string(), v.nullable(v.number())),
    k: v.record(v.id("t"), v.null()),
    u: v.union(v.object({ kind: v.literal("click"), x: v.string() }), v.object({ kind: v.literal("tap") })),
  });
  expect(changes(before, after)).toEqual([
    "type-changed t.o.a",
    "field-made-optional t.l[].a",
    "union-member-added t.r.values()",
    "type-narrowed t.k.keys()",
    'type-changed t.u(kind: "click").x',
    "union-member-removed t.u",
    "union-member-added t.u",
  ]);
});

test("the order of fields and of union members is no change of any weight", () => {
  expect(changes(t({ a: v.null(), b: v.null() }), t({ b: v.null(), a: v.null() }))).toEqual([]);
  const [one, other] = [v.union(v.null(), v.string()), v.union(v.string(), v.null())];
  expect(changes(t({ a: one }), t({ a: other }))).toEqual(["type-rewritten t.a"]);
});

test("a change that is not safe shows a value that proves it", () => {
  const [change] = diffSchemas(t({ a: v.string() }), t({ a: v.union(v.literal("x")) }));
  expect(change).toMatchObject({ classification: "needsMigration", counterexample: '"text 1"' });
});

test("what may be a rename is pointed out once, and stays a removal", () => {
  const [added, removed] = diffSchemas(t({ name: v.string() }), t({ fullName: v.string() }));
  expect(added?.notes).toBeUndefined();
  expect(removed).toMatchObject({
    classification: "destructive",
    notes: ["If this is a rename, declare it: t.name=fullName"],
  });
});

test("a removed table that ids still refer to is pointed out", () => {
  const before = schema({ users: defineTable({}), posts: defineTable({ author: v.id("users") }) });
  const after = schema({ posts: defineTable({ author: v.id("users") }) });
  expect(diffSchemas(before, after)[0]?.notes).toEqual([
    'Table "posts" still refers to it by v.id("users").',
  ]);
});

test("a declared rename leaves only what really changed", () => {
  const before = schema({
    users: defineTable({ name: v.string(), a: v.object({ zip: v.string() }) }).index("x", ["name", "a.zip"]),
    posts: defineTable({ author: v.id("users") }),
  });
  const after = schema({
    people: defineTable({ fullName: v.string(), a: v.object({ code: v.number() }) }).index("x", [
      "fullName",
      "a.code",
    ]),
    posts: defineTable({ author: v.id("people") }),
  });
  const renamed = applyRenames(before, after, {
    tables: { users: "people" },
    fields: { users: { name: "fullName", "a.zip": "code" } },
  });
  expect(renamed.changes.map((change) => `${change.rule} ${changeTarget(change)}`)).toEqual([
    "table-renamed people",
    "field-renamed people.fullName",
    "field-renamed people.a.code",
  ]);
  expect(changes(renamed.schema, after)).toEqual(["type-changed people.a.code"]);
});

test("a type is accepted exactly when all its changes are safe", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        validatorPair,
        documentTypes.chain((type) => fc.tuple(fc.constant(type), editedDocumentType(type))),
      ),
      ([before, after]) => {
        const found = diffType("t", before, after, root);
        const safe = found.every(({ classification }) => classification === "safe");
        expect(safe).toBe(accepts(after, before));
      },
    ),
    { numRuns: 2000 },
  );
});
