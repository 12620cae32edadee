import { defineSchema, defineTable } from "convex/server";
import { v, type GenericValidator } from "convex/values";
import { expect, test } from "vitest";
import { isTrueupError } from "../../errors/index.js";
import { parseSchema, type SchemaSource } from "./parse-schema.js";
import { parseValidator } from "./parse-validator.js";

function problemsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (!isTrueupError(error) || error.code !== "INVALID_SCHEMA") throw error;
    const { problems } = error.details;
    return (problems as { code: string }[]).map(({ code }) => code);
  }
  return [];
}

function refused(source: SchemaSource): string[] {
  return problemsOf(() => parseSchema(source));
}

function table(fields: Record<string, GenericValidator> = { a: v.string(), b: v.string() }) {
  return defineTable(fields);
}

function tablesJson(...tables: unknown[]): string {
  return JSON.stringify({ tables, schemaValidation: true });
}

test("a definition, its text and its JSON parse to the same schema", () => {
  const definition = defineSchema({ users: table().index("by_a", ["a"]) });
  const parsed = parseSchema(definition);
  expect(parsed.tables[0]).toMatchObject({
    tableName: "users",
    indexes: [{ indexDescriptor: "by_a", fields: ["a"] }],
    stagedDbIndexes: [],
    vectorIndexes: [],
  });
  expect(parseSchema(parsed)).toEqual(parsed);
  expect(parseSchema(JSON.stringify(parsed))).toEqual(parsed);
});

test("lists that an older export leaves out are empty, and validation is on by default", () => {
  const parsed = parseSchema(
    '{"tables":[{"tableName":"a","indexes":[],"searchIndexes":[],"documentType":{"type":"any"}}]}',
  );
  expect(parsed.tables[0]?.stagedVectorIndexes).toEqual([]);
  expect(parsed.schemaValidation).toBe(true);
});

test.each<[string, SchemaSource]>([
  ["TableNameReserved", defineSchema({ _users: table() })],
  ["InvalidTableName", defineSchema({ "my-users": table() })],
  ["InvalidTableName", defineSchema({ ["x".repeat(65)]: table() })],
  ["FieldNameReserved", defineSchema({ users: table({ _private: v.string() }) })],
  ["FieldNameReserved", defineSchema({ users: table({ _id: v.id("posts") }) })],
  ["InvalidFieldName", defineSchema({ users: table({ "first-name": v.string() }) })],
  ["InvalidFieldName", defineSchema({ users: table({ "1st": v.string() }) })],
  ["InvalidRecordKeys", defineSchema({ users: table({ r: v.record(v.literal("a"), v.null()) }) })],
  ["IndexNameReserved", defineSchema({ users: table().index("by_id", ["a"]) })],
  ["IndexNameReserved", defineSchema({ users: table().index("by_creation_time", ["a"]) })],
  ["IndexNameReserved", defineSchema({ users: table().index("_a", ["a"]) })],
  ["InvalidIndexName", defineSchema({ users: table().index("by-a", ["a"]) })],
  ["IndexNamesNotUnique", defineSchema({ users: table().index("x", ["a"]).index("x", ["b"]) })],
  [
    "IndexNamesNotUnique",
    defineSchema({ users: table().index("x", ["a"]).searchIndex("x", { searchField: "b" }) }),
  ],
  ["IndexNotUnique", defineSchema({ users: table().index("x", ["a"]).index("y", ["a"]) })],
  [
    "IndexNotUnique",
    defineSchema({
      users: table()
        .index("x", ["a"])
        .index("y", { fields: ["a"], staged: true }),
    }),
  ],
  ["EmptyIndex", tablesJson({ tableName: "t", indexes: [{ indexDescriptor: "x", fields: [] }] })],
  ["FieldsNotUniqueWithinIndex", defineSchema({ users: table().index("x", ["a", "a"]) })],
  ["IndexFieldsContainId", defineSchema({ users: table().index("x", ["_id"]) })],
  ["IndexFieldsContainCreationTime", defineSchema({ users: table().index("x", ["a", "_creationTime"]) })],
  [
    "IndexFieldNameReserved",
    tablesJson({ tableName: "t", indexes: [{ indexDescriptor: "x", fields: ["_other"] }] }),
  ],
  [
    "InvalidIndexField",
    tablesJson({ tableName: "t", indexes: [{ indexDescriptor: "x", fields: ["a..b"] }] }),
  ],
  [
    "IndexTooManyFields",
    tablesJson({
      tableName: "t",
      indexes: [{ indexDescriptor: "x", fields: Array.from({ length: 17 }, (_, i) => `f${i}`) }],
    }),
  ],
  [
    "TooManyIndexes",
    tablesJson({
      tableName: "t",
      indexes: Array.from({ length: 65 }, (_, i) => ({ indexDescriptor: `x${i}`, fields: [`f${i}`] })),
    }),
  ],
  [
    "SchemaDefinitionError",
    tablesJson({
      tableName: "t",
      documentType: { type: "object", value: {} },
      indexes: [{ indexDescriptor: "x", fields: ["missing"] }],
    }),
  ],
  [
    "SchemaDefinitionError",
    defineSchema({ t: table({ a: v.string() }).vectorIndex("x", { vectorField: "a", dimensions: 4 }) }),
  ],
  [
    "InvalidVectorDimensions",
    defineSchema({
      t: table({ a: v.array(v.number()) }).vectorIndex("x", { vectorField: "a", dimensions: 1 }),
    }),
  ],
  [
    "SearchIndexFieldNotUnique",
    defineSchema({
      t: table().searchIndex("x", { searchField: "a" }).searchIndex("y", { searchField: "a" }),
    }),
  ],
  [
    "VectorIndexFieldNotUnique",
    defineSchema({
      t: table({ a: v.array(v.number()) })
        .vectorIndex("x", { vectorField: "a", dimensions: 4 })
        .vectorIndex("y", { vectorField: "a", dimensions: 8 }),
    }),
  ],
  ["InvalidDocumentType", tablesJson({ tableName: "t", documentType: { type: "string" } })],
  [
    "InvalidDocumentType",
    tablesJson({ tableName: "t", documentType: { type: "union", value: [{ type: "null" }] } }),
  ],
  ["TableNamesNotUnique", tablesJson({ tableName: "t" }, { tableName: "t" })],
  ["MalformedSchema", "not json"],
  ["MalformedSchema", tablesJson({})],
  ["MalformedSchema", tablesJson({ tableName: "t", documentType: { type: "float" } })],
  ["MalformedSchema", tablesJson({ tableName: "t", indexes: [{}] })],
])("%s is refused", (code, source) => {
  expect(refused(source)).toEqual([code]);
});

test("every problem is reported at once", () => {
  const source = defineSchema({ _users: table(), posts: table().index("by_id", ["a", "a"]) });
  expect(refused(source)).toEqual(["TableNameReserved", "IndexNameReserved", "FieldsNotUniqueWithinIndex"]);
});

test("an index may name fields inside objects, unions and any", () => {
  const fields = {
    a: v.union(v.null(), v.object({ b: v.optional(v.string()) })),
    any: v.any(),
    r: v.record(v.string(), v.object({ c: v.null() })),
  };
  const source = defineSchema({ t: defineTable(fields).index("x", ["a.b", "any.c.d", "r.k.c"]) });
  expect(refused(source)).toEqual([]);
});

test("an index on a missing field is allowed while validation is off", () => {
  const source = defineSchema(
    { t: defineTable({}).index("x", ["gone" as never]) },
    { schemaValidation: false },
  );
  expect(refused(source)).toEqual([]);
});

test("a validator parses from text and from JSON, and drops what does not belong", () => {
  expect(parseValidator('{"type":"array","value":{"type":"string"},"x":1}')).toEqual({
    type: "array",
    value: { type: "string" },
  });
  expect(problemsOf(() => parseValidator({ type: "literal", value: { $integer: "?" } }))).toEqual([
    "MalformedSchema",
  ]);
  expect(problemsOf(() => parseValidator("null"))).toEqual(["MalformedSchema"]);
});
