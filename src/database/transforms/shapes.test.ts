/**
 * Tests how `Shapes` carries documents from shape to shape: which transforms run, how often, and what is remembered.
 */
import { expect, test } from "vitest";
import type { TableEntry, TransformEntry } from "../catalog/catalog.js";
import { prepareDocument } from "../documents/prepare-document.js";
import type { StoredDocument } from "../documents/stored-document.js";
import { requestOf, Shapes, stepsBetween } from "./shapes.js";

const entry = (shape: number, more: Partial<TransformEntry> = {}): TransformEntry => ({
  ...{ name: `t${shape}`, origin: "up", hasDown: true, beganAtMs: 0, failure: null },
  ...more,
  shape,
});

function tableOf(transforms: readonly TransformEntry[], more: Partial<TableEntry> = {}): TableEntry {
  return {
    ...{ id: 7, number: 10_001, name: "t", componentPath: "sub" },
    ...{ documentsPrefix: "d", idsPrefix: "i", countsKey: "c", indexes: [], check: null },
    ...{ shape: transforms.at(-1)?.shape ?? 0, settledShape: 0, transforms },
    ...more,
  };
}

const stored = (shape: number, fields: Record<string, string> = { s: "" }): StoredDocument =>
  prepareDocument(fields, "an id", 1, shape);

/** Each transform adds its name to `s`; `calls` has the names of those that ran. */
function shapesOf(missing: readonly string[] = []): { shapes: Shapes; calls: string[]; asked: string[] } {
  const [calls, asked]: [string[], string[]] = [[], []];
  const shapes = new Shapes();
  shapes.setResolver(({ name }) => {
    asked.push(name);
    if (missing.includes(name)) return undefined;
    return (document) => {
      calls.push(name);
      return { ...document, s: `${document["s"] as string}${name} ` };
    };
  });
  return { shapes, calls, asked };
}

test("a document is carried through all transforms above its shape, in their order", () => {
  const { shapes } = shapesOf();
  const table = tableOf([entry(1), entry(2), entry(3)]);
  const made = shapes.at(table, stored(1), 3);
  expect(made).toMatchObject({ shape: 3, document: { _id: "an id", _creationTime: 1, s: "t2 t3 " } });
  expect(made.source).toMatchObject({ shape: 1, document: { s: "" } });
  expect(shapes.at(table, stored(0), 2).document["s"]).toBe("t1 t2 ");
});

test("a document in the shape, or beyond it, stays what it is", () => {
  const { shapes, calls } = shapesOf();
  const table = tableOf([entry(1), entry(2)]);
  for (const document of [stored(1), stored(2)]) expect(shapes.at(table, document, 1)).toBe(document);
  expect(calls).toEqual([]);
});

test("what was made of a document is remembered for two shapes, with the transform that led there", () => {
  const { shapes, calls } = shapesOf();
  const table = tableOf([entry(1), entry(2), entry(3)]);
  const document = stored(0);
  const second = shapes.at(table, document, 2);
  const third = shapes.at(table, document, 3);
  expect(shapes.at(table, document, 2)).toBe(second);
  expect(shapes.at(table, document, 3)).toBe(third);
  expect(calls).toHaveLength(5);
  // A newer shape is made from the stored document, not from a shape that was made before.
  expect(shapes.at(table, second, 3)).toBe(third);
  // A third one takes the place of both.
  expect(shapes.at(table, document, 1).document["s"]).toBe("t1 ");
  expect(shapes.at(table, document, 2)).not.toBe(second);
  // Another transform of the same shape has made nothing yet.
  const other = tableOf([entry(1), entry(2, { name: "other" })]);
  expect(shapes.at(other, document, 2).document["s"]).toBe("t1 other ");
});

test("what is made without being remembered is made again", () => {
  const { shapes, calls } = shapesOf();
  const table = tableOf([entry(1)]);
  const document = stored(0);
  expect(shapes.make(table, document, 1)).toEqual(shapes.make(table, document, 1));
  expect(calls).toHaveLength(2);
});

test("a function is asked for once, until others come", () => {
  const { shapes, asked } = shapesOf();
  const table = tableOf([entry(1)]);
  expect(shapes.generation).toBe(1);
  for (let n = 0; n < 3; n++) shapes.at(table, stored(0), 1);
  expect(asked).toEqual(["t1"]);
  shapes.setResolver(() => (document) => ({ ...document, s: "other" }));
  expect(shapes.generation).toBe(2);
  expect(shapes.at(table, stored(0), 1).document["s"]).toBe("other");
});

test("a transform that takes back the one before it is passed over, with that one", () => {
  const down = entry(2, { undoes: 1 });
  const all = tableOf([entry(1), down, entry(3)]);
  const names = (from: number, to: number): string[] => stepsBetween(all, from, to).map(({ name }) => name);
  expect(names(0, 3)).toEqual(["t3"]);
  expect(names(0, 2)).toEqual([]);
  expect(names(0, 1)).toEqual(["t1"]);
  // A document that was written in the new shape has to go back.
  expect(names(1, 2)).toEqual(["t2"]);
  expect(names(1, 3)).toEqual(["t2", "t3"]);
  expect(names(2, 3)).toEqual(["t3"]);
  expect(names(3, 3)).toEqual([]);
  const two = tableOf([entry(1), entry(2), entry(3, { undoes: 2 }), entry(4, { undoes: 1 })]);
  expect(stepsBetween(two, 0, 4)).toEqual([]);
  // A step that undoes an earlier one than the one right before it cancels nothing.
  const apart = tableOf([entry(1), entry(2), entry(3, { undoes: 1 })]);
  expect(stepsBetween(apart, 0, 3)).toHaveLength(3);
});

test("a resolver is told which table it is about, and what is undone only where something is", () => {
  const table = tableOf([]);
  const request = { componentPath: "sub", tableName: "t", shape: 2, name: "t2", origin: "up", hasDown: true };
  expect(requestOf(table, entry(2))).toStrictEqual(request);
  expect(requestOf(table, entry(2, { undoes: 1 }))).toStrictEqual({ ...request, undoes: 1 });
});

test("a table is loaded when every function is there that some stored document may need", () => {
  const table = tableOf([entry(1), entry(2), entry(3, { undoes: 2 })]);
  expect(shapesOf().shapes.isLoaded(table, 3)).toBe(true);
  expect(shapesOf(["t1"]).shapes.isLoaded(table, 3)).toBe(false);
  // Documents of shape 2 need the transform that takes it back, others do not.
  expect(shapesOf(["t3"]).shapes.isLoaded(table, 3)).toBe(false);
  expect(shapesOf(["t3"]).shapes.isLoaded(table, 2)).toBe(true);
  expect(shapesOf(["t2"]).shapes.isLoaded(table, 3)).toBe(true);
  expect(shapesOf(["t1"]).shapes.isLoaded({ ...table, settledShape: 1 }, 2)).toBe(true);
});

test("a shape that nothing leads to, or from, is STORAGE_CORRUPT", () => {
  const { shapes } = shapesOf();
  const table = tableOf([entry(2), entry(3)], { settledShape: 1 });
  const corruptIn = (shape: number): Error =>
    expect.objectContaining({
      code: "STORAGE_CORRUPT",
      details: { table: "t", componentPath: "sub", id: "an id", shape },
    });
  expect(() => shapes.at(table, stored(1), 4)).toThrow(corruptIn(1));
  expect(() => shapes.at(table, stored(0), 3)).toThrow(corruptIn(0));
  expect(shapes.at(table, stored(1), 3).document["s"]).toBe("t2 t3 ");
});

test("a missing function and a failing one are told with transform, document and shape", () => {
  const table = tableOf([entry(1), entry(2)]);
  const details = { id: "an id", table: "t", componentPath: "sub", transform: "t2", shape: 2 };
  expect(() => shapesOf(["t2"]).shapes.at(table, stored(0), 2)).toThrow(
    expect.objectContaining({ code: "TRANSFORM_MISSING", details }),
  );
  const failing = new Shapes();
  failing.setResolver(({ name }) => (document) => {
    if (name === "t2") throw new Error("on purpose");
    return document;
  });
  expect(() => failing.at(table, stored(0), 2)).toThrow(
    expect.objectContaining({
      code: "TRANSFORM_FAILED",
      details: { ...details, kind: "threw", error: "on purpose" },
    }),
  );
});

test("what is impure is noted by table, each document once, a thousand of them, and forgotten", () => {
  const { shapes } = shapesOf();
  const [table, other] = [tableOf([entry(1)]), tableOf([entry(1)], { id: 8 })];
  expect(shapes.impure(table)).toEqual(new Set());
  for (let n = 0; n < 1001; n++) shapes.noteImpure(table, `id ${n}`);
  shapes.noteImpure(table, "id 0");
  shapes.noteImpure(other, "another");
  expect(shapes.impure(table).size).toBe(1000);
  expect(shapes.impure(table).has("id 999")).toBe(true);
  expect(shapes.impure(other)).toEqual(new Set(["another"]));
  shapes.forgetImpure(table);
  expect(shapes.impure(table).size).toBe(0);
  expect(shapes.impure(other).size).toBe(1);
});

test("a document that an index has elsewhere is told with the last transform that made it, and noted", () => {
  const { shapes } = shapesOf();
  const table = tableOf([entry(1), entry(2)]);
  const made = shapes.at(table, stored(1), 2);
  const details = { id: "an id", table: "t", componentPath: "sub", kind: "impure" };
  expect(shapes.misplaced(table, made, "by_s")).toMatchObject({
    code: "TRANSFORM_FAILED",
    details: { ...details, transform: "t2", shape: 2, error: expect.stringContaining("index by_s") },
  });
  expect(shapes.impure(table)).toEqual(new Set(["an id"]));
  // For a document that is stored in the table's shape, the search for its transform begins at the first one.
  expect(shapes.misplaced(table, stored(2), "by_s").details).toMatchObject({ transform: "t2" });
  const settled = shapes.misplaced(tableOf([]), stored(0), "by_s").details;
  expect(settled).toStrictEqual({ ...details, error: expect.stringContaining("Transform made another") });
});
