import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { parseSchema, type SchemaJson } from "../../schema/index.js";
import { indexDiff, isSameIndexes } from "./index-diff.js";

const table = () => defineTable({ a: v.string(), b: v.number(), e: v.array(v.float64()) });
const schemaOf = (t: ReturnType<typeof table>): SchemaJson => parseSchema(defineSchema({ t }));

test("indexes are told by name and form: a changed one is removed and added", () => {
  const before = schemaOf(table().index("kept", ["a"]).index("changed", ["b", "a"]).index("gone", ["b"]));
  const after = schemaOf(table().index("kept", ["a"]).index("changed", ["a", "e"]).index("new", ["a", "b"]));
  expect(indexDiff(before, after)).toEqual({
    added_indexes: [
      { name: "t.changed", type: "database", fields: ["a", "e"] },
      { name: "t.new", type: "database", fields: ["a", "b"] },
    ],
    removed_indexes: [
      { name: "t.changed", type: "database", fields: ["b", "a"] },
      { name: "t.gone", type: "database", fields: ["b"] },
    ],
    enabled_indexes: [],
    disabled_indexes: [],
  });
});

test("an index that is staged or taken into use is enabled or disabled", () => {
  const used = schemaOf(table().index("i", ["a"]));
  const staged = schemaOf(table().index("i", { fields: ["a"], staged: true }));
  expect(indexDiff(staged, used)).toMatchObject({ enabled_indexes: [{ name: "t.i" }], added_indexes: [] });
  expect(indexDiff(used, staged)).toMatchObject({ disabled_indexes: [{ name: "t.i", staged: true }] });
});

test("search and vector indexes are told too", () => {
  const after = schemaOf(
    table()
      .searchIndex("s", { searchField: "a", filterFields: ["b"] })
      .vectorIndex("v", { vectorField: "e", dimensions: 3 }),
  );
  expect(indexDiff(null, after).added_indexes).toEqual([
    { name: "t.s", type: "search", searchField: "a", filterFields: ["b"] },
    { name: "t.v", type: "vector", vectorField: "e", dimensions: 3, filterFields: [] },
  ]);
});

test("equal schemas have no difference", () => {
  const schema = schemaOf(table().index("i", ["a"]));
  expect(isSameIndexes(indexDiff(schema, schema))).toBe(true);
  expect(isSameIndexes(indexDiff(null, null))).toBe(true);
  expect(isSameIndexes(indexDiff(null, schema))).toBe(false);
});
