import { defineSchema, defineTable, type GenericSchema } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { parseSchema } from "../definition/parse-schema.js";
import { checkDocument, compileTable, type CompiledTable } from "./compiled-checks.js";
import { describeRefusedWrite } from "./violation.js";

const context = { tableOfId: (): string | null => null };
const system = { _id: "docs:1", _creationTime: 1 };

function table(tables: GenericSchema): CompiledTable {
  const [first] = parseSchema(defineSchema(tables)).tables;
  return compileTable(first!);
}

test("the system fields may stand beside the declared ones, in every member of a union", () => {
  const object = table({ docs: defineTable({ a: v.string() }) });
  expect(object.fits({ ...system, a: "x" }, context)).toBe(true);
  expect(object.fits({ a: "x" }, context)).toBe(true);
  const union = table({
    docs: defineTable(v.union(v.object({ a: v.string() }), v.object({ b: v.null() }))),
  });
  expect(union.fits({ ...system, b: null }, context)).toBe(true);
  expect(union.check({ ...system, c: null }, context)).toHaveLength(1);
});

test("system fields that a schema declares are the database's to check", () => {
  const declared = table({
    docs: defineTable({ _id: v.id("docs"), _creationTime: v.number(), a: v.string() }),
  });
  expect(declared.fits({ a: "x" }, context)).toBe(true);
});

test("a table of any takes every object without reserved fields at its top", () => {
  const any = table({ docs: defineTable(v.any()) });
  expect(any.fits({ ...system, nested: { _private: 1 } }, context)).toBe(true);
  expect(any.check({ _private: 1 }, context)[0]?.kind).toBe("reservedField");
  expect(any.check("text", context)[0]?.kind).toBe("noMatch");
});

test("system fields are allowed at the top only", () => {
  const nested = table({ docs: defineTable({ inner: v.object({}) }) });
  expect(nested.check({ inner: { _id: "x" } }, context)[0]).toMatchObject({
    kind: "extraField",
    path: ".inner._id",
  });
});

test("a refused write names the table and the violation", () => {
  const [json] = parseSchema(defineSchema({ docs: defineTable({ a: v.string() }) })).tables;
  const violations = checkDocument(json!, { ...system, a: 1 }, context);
  expect(describeRefusedWrite("docs", violations)).toBe(
    'Failed to insert or update a document in table "docs" because it does not match the schema: Value does not match validator.\nPath: .a\nValue: 1\nValidator: v.string()',
  );
});
