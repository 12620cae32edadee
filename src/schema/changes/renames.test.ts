import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { parseSchema } from "../definition/parse-schema.js";
import {
  applyRenames,
  composeFieldRenames,
  inverseRenames,
  parseRenames,
  type SchemaRenames,
} from "./renames.js";
import { parseWaivers, waiverFor } from "./waivers.js";
import { placeChange, tableChange } from "./schema-change.js";

const fields = { a: v.string(), b: v.optional(v.string()) };
const before = parseSchema(defineSchema({ old: defineTable(fields), kept: defineTable(fields) }));
const after = parseSchema(
  defineSchema({ fresh: defineTable(fields), kept: defineTable({ c: v.string(), b: v.string() }) }),
);

test.each<[string, SchemaRenames]>([
  ["an unknown table", { tables: { none: "fresh" } }],
  ["a table that the new schema lacks", { tables: { old: "none" } }],
  ["a table that stays", { tables: { kept: "fresh" } }],
  ["a table that was there already", { tables: { old: "kept" } }],
  ["fields of an unknown table", { fields: { none: { a: "b" } } }],
  ["an unknown field", { fields: { kept: { x: "c" } } }],
  ["a field that the new schema lacks", { fields: { kept: { a: "x" } } }],
  ["a field that was there already", { fields: { kept: { a: "b" } } }],
  ["a field that stays", { fields: { kept: { b: "c" } } }],
])("a rename of %s is refused", (_name, renames) => {
  expect(() => applyRenames(before, after, renames)).toThrow(
    expect.objectContaining({ code: "INVALID_RENAME" }),
  );
});

test("renames are read from the command line", () => {
  expect(parseRenames(["users=people", "users.name=fullName", "users.items[].sku=code"])).toEqual({
    tables: { users: "people" },
    fields: { users: { name: "fullName", "items[].sku": "code" } },
  });
  expect(() => parseRenames(["users"])).toThrow(expect.objectContaining({ code: "INVALID_RENAME" }));
});

test("the inverse of nested renames finds its way under the new names", () => {
  const renames = new Map([
    [".address", "home"],
    [".address.zip", "code"],
  ]);
  expect([...inverseRenames(renames)]).toEqual([
    [".home", "address"],
    [".home.code", "zip"],
  ]);
});

test("tables, and fields, take each other's names", () => {
  const swapped = parseSchema(
    defineSchema({
      kept: defineTable(fields),
      old: defineTable({ a: v.optional(v.string()), b: v.string() }),
    }),
  );
  const { schema, stored } = applyRenames(before, swapped, {
    tables: { old: "kept", kept: "old" },
    fields: { old: { a: "b", b: "a" } },
  });
  expect(stored.tables.map(({ tableName }) => tableName)).toEqual(["kept", "old"]);
  const renamed = schema.tables.find(({ tableName }) => tableName === "old")?.documentType;
  expect(renamed).toMatchObject({ value: { a: { optional: true }, b: { optional: false } } });
});

test("renames one after the other come to what a field is called in the end", () => {
  const steps = (...of: string[]): { from: string; to: string }[] =>
    of.map((text) => ({ from: text.split("=")[0] ?? "", to: text.split("=")[1] ?? "" }));
  expect(composeFieldRenames(steps("a=b", "b=c"))).toEqual({ a: "c" });
  expect(composeFieldRenames(steps("a=t", "b=a", "t=b"))).toEqual({ a: "b", b: "a" });
  expect(composeFieldRenames(steps("a=b", "b=a"))).toEqual({});
  expect(composeFieldRenames(steps("address=home", "home.zip=code"))).toEqual({
    address: "home",
    "address.zip": "code",
  });
});

test("a waiver relaxes its own rule, everywhere or at its target", () => {
  const removed = placeChange("field-removed", "users", { path: ".a", pattern: ".a" });
  for (const text of ["drop-field", "drop-field:users", "drop-field:users.a"]) {
    expect(waiverFor(removed, parseWaivers([text]))?.name).toBe("drop-field");
  }
  for (const text of ["drop-table", "drop-field:users.b", "data-already-fits"]) {
    expect(waiverFor(removed, parseWaivers([text]))).toBeUndefined();
  }
  expect(waiverFor(tableChange("table-added", "users"), parseWaivers(["drop-table"]))).toBeUndefined();
});

test("an unknown waiver is refused", () => {
  expect(() => parseWaivers(["drop-everything"])).toThrow(
    expect.objectContaining({ code: "UNKNOWN_WAIVER" }),
  );
});
