import { expect, test } from "vitest";
import { FaultyDisk } from "../../../suites/storage/faulty-storage.js";
import { memory } from "../../storage/memory/index.js";
import { Database } from "../database.js";
import type { MutationTransaction } from "./types.js";
import type { CellCodec } from "../../seams/index.js";

/** Counts what it decodes, so that a test can tell what came from the cache. */
function numberList(): CellCodec<readonly number[]> & { decoded: number } {
  return {
    decoded: 0,
    encode: (list) => list.join(),
    decode(text) {
      this.decoded++;
      return text.split(",").map(Number);
    },
  };
}

async function openWithTable(open = memory()): Promise<Database> {
  const database = await Database.open(await open());
  await database.mutate(async (tx) => void (await tx.component("a").insert("rows", {})));
  return database;
}

function read(database: Database, codec: CellCodec<readonly number[]>, path = "a"): Promise<unknown> {
  return database
    .query(async (tx) => await tx.component(path).cells(codec).get("x"))
    .then(({ value }) => value);
}

test("a cell is what was set last, is decoded once, and is another component's in no way", async () => {
  const disk = new FaultyDisk(memory());
  const database = await openWithTable(disk.open);
  const codec = numberList();
  await database.mutate(async (tx) => {
    const cells = tx.component("a").cells(codec);
    expect(await cells.get("x")).toBeUndefined();
    cells.set("x", [1, 2]);
    expect(await cells.get("x")).toEqual([1, 2]);
  });
  expect(await read(database, codec)).toEqual([1, 2]);
  expect(codec.decoded).toBe(0);
  expect(await read(database, codec, "b")).toBeUndefined();
  await database.close();

  const reopened = await Database.open(await disk.open());
  expect(await read(reopened, codec)).toEqual([1, 2]);
  expect(await read(reopened, codec)).toEqual([1, 2]);
  expect(codec.decoded).toBe(1);
  await reopened.mutate(async (tx) => tx.component("a").cells(codec).set("x", undefined));
  expect(await read(reopened, codec)).toBeUndefined();
  await reopened.close();
});

test("a cell goes back with the sub-transaction, and with the transaction, that fails", async () => {
  const database = await openWithTable();
  const codec = numberList();
  const set = (tx: MutationTransaction, list: number[]): void =>
    tx.component("a").cells(codec).set("x", list);
  await database.mutate(async (tx) => {
    set(tx, [1]);
    const failing = tx.nested(async () => {
      set(tx, [2]);
      set(tx, [3]);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(await tx.component("a").cells(codec).get("x")).toEqual([1]);
  });
  const failing = database.mutate(async (tx) => {
    set(tx, [4]);
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await read(database, codec)).toEqual([1]);
  await database.close();
});

test("a stale reader sees cells as they were, a snapshot keeps them, and a commit wakes who read one", async () => {
  const database = await openWithTable();
  const codec = numberList();
  await database.mutate(async (tx) => tx.component("a").cells(codec).set("x", [1]));
  const commits: boolean[] = [];
  const { readSet } = await database.query(async (tx) => {
    const cells = tx.component("a").cells(codec);
    expect(await cells.get("x")).toEqual([1]);
    await database.mutate(async (writing) => {
      writing.component("a").cells(codec).set("x", [2]);
      expect(await writing.staleReader("a").cells(codec).get("x")).toEqual([1]);
    });
    expect(await cells.get("x")).toEqual([1]);
  });
  database.onCommit((commit) => commits.push(readSet.intersects(commit)));
  await database.mutate(async (tx) => tx.component("a").cells(codec).set("y", [1]));
  await database.mutate(async (tx) => tx.component("a").cells(codec).set("x", [3]));
  expect(commits).toEqual([false, true]);
  await database.close();
});

test("the names of cells are those that the transaction sees, in order", async () => {
  const database = await openWithTable();
  const codec = numberList();
  await database.mutate(async (tx) => {
    for (const name of ["b2", "a1", "b1", "b3"]) tx.component("a").cells(codec).set(name, []);
  });
  await database.mutate(async (tx) => {
    const cells = tx.component("a").cells(codec);
    cells.set("b1", undefined);
    cells.set("b0", [1]);
    expect(await cells.names("b", 2)).toEqual(["b0", "b2"]);
    expect(await tx.staleReader("a").cells(codec).names("b", 9)).toEqual(["b1", "b2", "b3"]);
  });
  await database.close();
});

test("cells go with their component", async () => {
  const database = await openWithTable();
  const codec = numberList();
  await database.mutate(async (tx) => tx.component("a").cells(codec).set("x", [1]));
  await database.mutate(async (tx) => tx.removeComponent("a"));
  await database.background.whenIdle();
  await database.mutate(async (tx) => void (await tx.component("a").insert("rows", {})));
  expect(await read(database, codec)).toBeUndefined();
  await database.close();
});
