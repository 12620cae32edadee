/** When a preparation goes on and when it begins anew, and what is wrong with the result of a transform. */
import { expect, test } from "vitest";
import { fullScan, mutate, openDatabase, readAll } from "../../../suites/setup/open-database.js";
import type { SchemaJson } from "../../schema/index.js";
import { Database } from "../database.js";
import { memory } from "../../storage/memory/index.js";
import type { TransformDefinition, TransformFunction } from "./types.js";

const schema: SchemaJson = { schemaValidation: false, tables: [] };
const one: TransformDefinition = { name: "one", origin: "up", hasDown: true };
const two: TransformDefinition = { name: "two", origin: "up", hasDown: true };

/** A database with a document, whose clock stands where the test puts it. */
async function openPrepared(run: TransformFunction = (document) => document) {
  const clock = { ms: 1000 };
  const database = await Database.open(await memory()(), { clock: () => clock.ms });
  database.setTransforms(() => run);
  const id = await mutate(database, (tx) => tx.component("").insert("t", { n: 1 }));
  const prepare = (...definitions: TransformDefinition[]): Promise<unknown> =>
    database.mutate((tx) => tx.prepareIndexes("", schema, { through: { t: definitions } }));
  const prepared = async (): Promise<unknown[]> =>
    (await database.query((tx) => tx.transforms())).value.map(({ name, origin, shape, beganAtMs, failed }) =>
      [name, origin, shape, beganAtMs, failed].join(" "),
    );
  return { database, clock, id, prepare, prepared };
}

test("the same preparation goes on, any other one begins anew", async () => {
  const { clock, prepare, prepared } = await openPrepared();
  await prepare(one, two);
  const first = ["one up 1 1000 0", "two up 2 1000 0"];
  expect(await prepared()).toEqual(first);
  clock.ms = 2000;
  await prepare(one, two);
  expect(await prepared()).toEqual(first);
  await prepare(one);
  expect(await prepared()).toEqual(["one up 1 2000 0"]);
  clock.ms = 3000;
  await prepare(one, two);
  expect(await prepared()).toEqual(["one up 1 3000 0", "two up 2 3000 0"]);
  clock.ms = 4000;
  await prepare(two, one);
  expect(await prepared()).toEqual(["two up 1 4000 0", "one up 2 4000 0"]);
  clock.ms = 5000;
  for (const changed of [
    { ...one, origin: "down" },
    { ...one, undoes: 3 },
    { ...one, name: "three" },
  ]) {
    await prepare(two, one);
    await prepare(two, changed);
    expect((await prepared())[1]).toBe(`${changed.name} ${changed.origin} 2 5000 0`);
  }
  await prepare();
  expect(await prepared()).toEqual([]);
  await prepare();
  expect(await prepared()).toEqual([]);
});

test("a preparation that has failed begins anew, though it is the same", async () => {
  let isPicky = true;
  const { clock, database, id, prepare, prepared } = await openPrepared((document) => {
    if (isPicky && document["n"] === 2) throw new Error("not two");
    return document;
  });
  await prepare(one, two);
  await database.mutate((tx) => tx.component("").patch(id, { n: 2 }));
  expect(await prepared()).toEqual(["one up 1 1000 1", "two up 2 1000 0"]);
  clock.ms = 2000;
  isPicky = false;
  await prepare(one, two);
  expect(await prepared()).toEqual(["one up 1 2000 0", "two up 2 2000 0"]);
  expect(await readAll(database, fullScan("t"))).toMatchObject([{ n: 2 }]);
});

test("a preparation that a write has ended is not asked again", async () => {
  let calls = 0;
  const { database, id, prepare } = await openPrepared(() => {
    calls++;
    throw new Error("never");
  });
  await prepare(one);
  await database.background.whenBuilt();
  for (const n of [2, 3]) await database.mutate((tx) => tx.component("").patch(id, { n }));
  const before = calls;
  await database.mutate((tx) => tx.component("").patch(id, { n: 4 }));
  expect(calls).toBe(before);
});

test("a reader ahead sees each change of the catalog", async () => {
  const { database, id, prepare } = await openPrepared((document) => ({ ...document, ahead: true }));
  await prepare(one);
  await mutate(database, async (tx) => {
    const reader = tx.prepared("");
    expect(await reader.get(id)).toMatchObject({ n: 1, ahead: true });
    const other = await tx.component("").insert("u", { m: 1 });
    expect(await reader.get(other)).toMatchObject({ m: 1 });
    expect(reader.tables()).toEqual(["t", "u"]);
    expect(tx.prepared("nowhere").tables()).toEqual([]);
    expect(await reader.count("none")).toBe(0);
  });
});

test.each([
  ["nothing", undefined],
  ["null", null],
  ["an array", []],
  ["a value of type string", "text"],
  ["a value of type object", new Map()],
  ["a promise (a transform must be synchronous)", Promise.resolve({})],
])("what is no document is told by what it is: %s", async (what, made) => {
  const database = await openDatabase();
  await mutate(database, (tx) => tx.component("").insert("t", { n: 1 }));
  const run = (() => made) as unknown as TransformFunction;
  const { failures } = await database.rehearse({
    componentPath: "",
    tableName: "t",
    through: [{ name: "m", run }],
  });
  expect(failures).toMatchObject([
    { kind: "notADocument", message: `It returned ${what} instead of a document.` },
  ]);
});
