import { defineSchema, defineTable, type GenericSchema } from "convex/server";
import { v } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { documentTypes, editedDocumentType, validatorPair } from "../../../suites/arbitraries/validators.js";
import { parseSchema } from "../definition/parse-schema.js";
import type { SchemaJson } from "../schema-json.js";
import { validatorText } from "../source/validator-text.js";
import { accepts } from "../subtyping/accepts.js";
import { mergeTypes, widenSchema } from "./widen-schema.js";

function schema(tables: GenericSchema, schemaValidation = true): SchemaJson {
  return parseSchema(defineSchema(tables, { schemaValidation }));
}

test("a merged type accepts both types that it was merged from", () => {
  fc.assert(
    fc.property(validatorPair, ([before, after]) => {
      const merged = mergeTypes(before, after);
      expect(accepts(merged, before)).toBe(true);
      expect(accepts(merged, after)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("a widened schema is valid and accepts the documents of both schemas", () => {
  fc.assert(
    fc.property(
      documentTypes.chain((type) => fc.tuple(fc.constant(type), editedDocumentType(type))),
      ([before, after]) => {
        const [old, now] = [before, after].map((documentType) =>
          parseSchema({
            schemaValidation: true,
            tables: [
              {
                tableName: "t",
                indexes: [],
                stagedDbIndexes: [],
                searchIndexes: [],
                stagedSearchIndexes: [],
                vectorIndexes: [],
                stagedVectorIndexes: [],
                documentType,
              },
            ],
          }),
        );
        const widened = parseSchema(widenSchema(old!, now!));
        expect(accepts(widened.tables[0]!.documentType, before)).toBe(true);
        expect(accepts(widened.tables[0]!.documentType, after)).toBe(true);
      },
    ),
  );
});

test("a merged object reads as a person would write it", () => {
  const before = v.object({ name: v.string(), isPro: v.boolean(), status: v.literal("a") });
  const after = v.object({ name: v.string(), plan: v.string(), status: v.literal("b") });
  const [first, second] = [before, after].map((type) => schema({ t: defineTable(type) }).tables[0]!);
  expect(validatorText(mergeTypes(first!.documentType, second!.documentType))).toBe(
    'v.object({isPro: v.optional(v.boolean()), name: v.string(), plan: v.optional(v.string()), status: v.union(v.literal("b"), v.literal("a"))})',
  );
});

test("a widened schema has the tables and indexes of both, the new ones first", () => {
  const before = schema({
    t: defineTable({ a: v.string(), b: v.string() })
      .index("x", ["a"])
      .index("y", ["b"])
      .index("w", ["a", "b"]),
    gone: defineTable({}),
  });
  const after = schema({
    t: defineTable({ a: v.string(), c: v.string() }).index("y", ["c"]).index("z", ["a"]),
  });
  const widened = parseSchema(widenSchema(before, after));
  expect(widened.tables.map(({ tableName }) => tableName)).toEqual(["t", "gone"]);
  expect(widened.tables[0]?.indexes.map(({ indexDescriptor }) => indexDescriptor)).toEqual(["y", "z", "w"]);
});

test("where the old schema was not enforced the widened one is not either", () => {
  const before = schema({ t: defineTable({ a: v.string() }) }, false);
  expect(widenSchema(before, schema({ t: defineTable({ a: v.number() }) })).schemaValidation).toBe(false);
});
