import { runInThisContext } from "node:vm";
import { defineSchema, defineTable, type GenericSchema } from "convex/server";
import { v } from "convex/values";
import fc from "fast-check";
import { expect, test } from "vitest";
import { documentTypes, validator } from "../../../suites/arbitraries/validators.js";
import { parseSchema } from "../definition/parse-schema.js";
import type { SchemaJson } from "../schema-json.js";
import { schemaSource, validatorSource } from "./schema-source.js";
import { validatorText } from "./validator-text.js";
import { valueText } from "./value-text.js";

function evaluate(source: string): unknown {
  const body = source.replace(/^import .*$/gm, "").replace("export default", "return");
  const run: unknown = runInThisContext(`(defineSchema, defineTable, v) => { ${body} }`);
  return typeof run === "function" ? run(defineSchema, defineTable, v) : undefined;
}

function jsonOf(source: string): unknown {
  const built = evaluate(`return ${source}`);
  return typeof built === "object" && built !== null ? Reflect.get(built, "json") : undefined;
}

test("a validator's source evaluates to the same validator", () => {
  fc.assert(
    fc.property(validator, (type) => {
      expect(jsonOf(validatorSource(type))).toEqual(type);
      expect(jsonOf(validatorText(type))).toEqual(type);
    }),
  );
});

test("a schema's source evaluates to the same schema", () => {
  fc.assert(
    fc.property(fc.array(documentTypes, { maxLength: 3 }), fc.boolean(), (types, schemaValidation) => {
      const schema: SchemaJson = {
        schemaValidation,
        tables: types.map((documentType, index) => ({
          tableName: `t${index}`,
          indexes: [],
          stagedDbIndexes: [],
          searchIndexes: [],
          stagedSearchIndexes: [],
          vectorIndexes: [],
          stagedVectorIndexes: [],
          documentType,
        })),
      };
      const again = evaluate(schemaSource(schema));
      expect(parseSchema(again as never)).toEqual(parseSchema(schema));
    }),
  );
});

const everything: GenericSchema = {
  users: defineTable({ name: v.string(), vector: v.array(v.number()) })
    .index("by_name", ["name"])
    .index("later", { fields: ["vector"], staged: true })
    .searchIndex("search_name", { searchField: "name", filterFields: ["vector"] })
    .vectorIndex("by_vector", { vectorField: "vector", dimensions: 4, staged: true })
    .staged({ name: v.optional(v.string()) }),
};

test("indexes of every kind, staged ones and staged types come back", () => {
  const schema = parseSchema(defineSchema(everything, { schemaValidation: false }));
  const again = evaluate(schemaSource(schema));
  expect(parseSchema(again as never)).toEqual(schema);
});

test("a long validator is broken into lines, a short one is not", () => {
  const long = v.object(Object.fromEntries([..."abcdef"].map((name) => [name.repeat(4), v.string()])));
  const json: unknown = Reflect.get(long, "json");
  expect(validatorSource(json as never)).toBe(
    `v.object({\n${[..."abcdef"].map((name) => `  ${name.repeat(4)}: v.string(),\n`).join("")}})`,
  );
  expect(validatorSource({ type: "object", value: {} })).toBe("v.object({})");
});

test("values read as source, cut where they grow too long", () => {
  expect(valueText({ b: [1, -0, NaN, 3n], a: "x\n", c: undefined, "d-e": null })).toBe(
    '{a: "x\\n", b: [1, -0, NaN, 3n], "d-e": null}',
  );
  expect(valueText(new ArrayBuffer(3))).toBe("<3 bytes>");
  expect(
    valueText(
      Array.from({ length: 1e6 }, () => "x"),
      10,
    ),
  ).toBe('["x", "x"…');
});
