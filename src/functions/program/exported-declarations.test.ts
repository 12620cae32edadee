import { expect, test } from "vitest";
import { ExportedDeclarations } from "./exported-declarations.js";

const transform = (table: string): object => ({
  [Symbol.for("trueup.transform")]: { kind: "transform", table, up: () => ({}), requires: [] },
});
const rename = { [Symbol.for("trueup.transform")]: { kind: "renameTable", from: "a", to: "b" } };
const waivers = { [Symbol.for("trueup.waiver")]: { waivers: ["drop-table:a"] } };
const migration = Object.assign(() => {}, {
  [Symbol.for("trueup.migration")]: { table: "users", requires: [] },
});

function names(list: readonly { readonly name: string }[]): string[] {
  return list.map(({ name }) => name);
}

test("each declaration is known by its brand, and called by the place of its export", () => {
  const found = new ExportedDeclarations();
  found.add("m", { z: transform("users"), a: transform("teams"), rename, waivers, migration, other: 1 });
  expect(names(found.transforms)).toEqual(["m:a", "m:z"]);
  expect(found.tableRenames).toMatchObject([{ name: "m:rename", declared: { from: "a", to: "b" } }]);
  expect(found.waivers).toMatchObject([{ name: "m:waivers", declared: { waivers: ["drop-table:a"] } }]);
  expect(names(found.migrations)).toEqual(["m:migration"]);
});

test("one that is exported twice counts once, under its first name", () => {
  const found = new ExportedDeclarations();
  const shared = transform("users");
  found.add("a", { second: shared, first: shared });
  found.add("b", { again: shared, migration });
  found.add("c", { migration });
  expect(names(found.transforms)).toEqual(["a:first"]);
  expect(names(found.migrations)).toEqual(["b:migration"]);
});
