import { expect, test } from "vitest";
import { ColumnsBuilder } from "./item-columns.js";

const item = (id: string, more: object = {}) => ({ key: 1, id, namespace: undefined, ...more });

test("items become columns, one of each measure as long as there are items", () => {
  const builder = new ColumnsBuilder();
  builder.add(item("a", { sumValue: 5 }));
  builder.add(item("b", { key: "k", sumValues: { bonus: 2, left: undefined } }));
  builder.add(item("c", { sumValue: 7, sumValues: { bonus: 3 } }));
  builder.add(item("d"));
  expect(builder.count).toBe(4);
  expect(builder.columns()).toEqual({
    spaces: [0, 0, 0, 0],
    keys: [1, "k", 1, 1],
    ids: ["a", "b", "c", "d"],
    namespaces: [{}],
    measures: ["", "bonus"],
    values: [
      [5, null, 7, null],
      [null, 2, 3, null],
    ],
  });
});

test("nothing is no columns", () => {
  expect(new ColumnsBuilder().columns()).toEqual({
    ...{ spaces: [], keys: [], ids: [], namespaces: [], measures: [], values: [] },
  });
});

test("a sum of zero is a number, and one that is missing is none", () => {
  const builder = new ColumnsBuilder();
  builder.add(item("a", { sumValue: 0 }));
  builder.add(item("b", { sumValue: undefined, sumValues: undefined }));
  expect(builder.columns()).toMatchObject({ measures: [""], values: [[0, null]] });
});

test("each namespace has one number, in the order in which they come by, whatever it is made of", () => {
  const builder = new ColumnsBuilder();
  const namespaces = [
    "a",
    "a",
    undefined,
    "b",
    [1, "x"],
    [1, "x"],
    "a",
    null,
    0,
    -0,
    undefined,
    Number.NaN,
    Number.NaN,
  ];
  for (const [index, namespace] of namespaces.entries()) builder.add(item(`i${index}`, { namespace }));
  expect(builder.namespaces).toBe(8);
  const { spaces, namespaces: shown } = builder.columns();
  expect(spaces).toEqual([0, 0, 1, 2, 3, 3, 0, 4, 5, 6, 1, 7, 7]);
  expect(shown).toEqual([
    { namespace: "a" },
    {},
    { namespace: "b" },
    { namespace: [1, "x"] },
    { namespace: null },
    { namespace: 0 },
    { namespace: -0 },
    { namespace: Number.NaN },
  ]);
});
