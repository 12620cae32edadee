/** What a sub-transaction that fails takes back, of everything that a transaction can write. */
import { expect, test } from "vitest";
import { fullScan, indexRange, mutate, openDatabase, readAll } from "../../../suites/setup/open-database.js";
import type { MutationTransaction } from "./types.js";

const codec = { encode: (value: number) => String(value), decode: Number };

/** Runs in a sub-transaction that fails at its end. */
async function failing(tx: MutationTransaction, run: () => Promise<unknown>): Promise<void> {
  const nested = tx.nested(async () => {
    await run();
    throw new Error("on purpose");
  });
  await expect(nested).rejects.toThrow("on purpose");
}

test("documents are as they were before: changed, deleted, inserted, moved", async () => {
  const database = await openDatabase();
  await database.mutate((tx) => tx.ensureTable("", "t", [{ indexDescriptor: "by_n", fields: ["n"] }]));
  const [stored, other] = await mutate(database, async (tx): Promise<[string, string]> => [
    await tx.component("").insert("t", { n: 1 }),
    await tx.component("").insert("t", { n: 2 }),
  ]);
  await mutate(database, async (tx) => {
    const app = tx.component("");
    await app.patch(stored, { n: 10 });
    const own = await app.insert("t", { n: 20 });
    const state = async (): Promise<unknown> => [
      await app.stream(fullScan("t")).take(9),
      await app.stream(indexRange("t.by_n")).take(9),
      await app.counts("t"),
      tx.usage.documentsWritten,
    ];
    const before = await state();
    await failing(tx, async () => {
      await app.patch(stored, { n: 11 });
      await app.patch(own, { n: 21, more: "text" });
      await app.delete(other);
      await app.insert("t", { n: 30 });
      await app.delete(own);
      await app.insert("t", { n: 22 }, { id: own, creationTime: 5 });
      await failing(tx, () => app.delete(stored));
      await tx.nested(() => app.patch(stored, { n: 12 }));
    });
    expect(await state()).toEqual(before);
    expect(app.isWritten(stored)).toBe(true);
    expect(app.isWritten(other)).toBe(false);
  });
  expect((await readAll(database, indexRange("t.by_n"))).map(({ n }) => n)).toEqual([2, 10, 20]);
  expect((await readAll(database, fullScan("t"))).map(({ n }) => n)).toEqual([10, 2, 20]);
  expect((await database.query((tx) => tx.component("").count("t"))).value).toBe(3);
});

test("cells are as they were before: set anew, set first, removed", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    await tx.component("").insert("t", {});
    tx.component("").cells(codec).set("stored", 1);
  });
  await mutate(database, async (tx) => {
    const cells = tx.component("").cells(codec);
    cells.set("own", 2);
    await failing(tx, async () => {
      cells.set("stored", 10);
      cells.set("own", 20);
      cells.set("new", 30);
    });
    expect([await cells.get("stored"), await cells.get("own"), await cells.get("new")]).toEqual([
      1,
      2,
      undefined,
    ]);
    expect(await cells.names("", 9)).toEqual(["own", "stored"]);
  });
  const { value } = await database.query((tx) => tx.component("").cells(codec).names("", 9));
  expect(value).toEqual(["own", "stored"]);
});

test("tables are as they were before: made, removed with what was written to them, renamed", async () => {
  const database = await openDatabase();
  await mutate(database, (tx) => tx.component("").insert("t", { n: 1 }));
  await mutate(database, async (tx) => {
    const app = tx.component("");
    await app.insert("t", { n: 2 });
    await failing(tx, async () => {
      await app.insert("made", {});
      tx.removeTable("", "t");
      expect(app.tables()).toEqual(["made"]);
      expect(await app.stream(fullScan("t")).take(9)).toEqual([]);
    });
    await failing(tx, () => tx.renameTables("", new Map([["t", "renamed"]])));
    expect(app.tables()).toEqual(["t"]);
    expect(await app.count("t")).toBe(2);
    expect((await app.stream(fullScan("t")).take(9)).map(({ n }) => n)).toEqual([1, 2]);
  });
  expect((await readAll(database, fullScan("t"))).map(({ n }) => n)).toEqual([1, 2]);
  expect((await database.query(async (tx) => tx.component("").tables())).value).toEqual(["t"]);
});

test("a table that is removed takes with it what the same transaction wrote to it", async () => {
  const database = await openDatabase();
  await mutate(database, (tx) => tx.component("").insert("t", { n: 1 }));
  await mutate(database, async (tx) => {
    await tx.component("").insert("t", { n: 2 });
    await tx.component("sub").insert("t", { n: 3 });
    tx.removeTable("", "t");
    tx.removeTable("", "there is none");
    tx.removeComponent("sub");
    tx.removeComponent("nowhere");
    await tx.component("").insert("t", { n: 4 });
  });
  await database.background.whenIdle();
  expect((await readAll(database, fullScan("t"))).map(({ n }) => n)).toEqual([4]);
  expect((await database.query((tx) => tx.component("").count("t"))).value).toBe(1);
  expect((await database.query(async (tx) => tx.component("sub").tables())).value).toEqual([]);
});

test("what is to be done after the commit is dropped with it, what was to be done before stays", async () => {
  const database = await openDatabase();
  const done: string[] = [];
  await mutate(database, async (tx) => {
    tx.afterCommit(() => done.push("first"));
    await failing(tx, async () => tx.afterCommit(() => done.push("undone")));
    await tx.nested(async () => tx.afterCommit(() => done.push("nested")));
    await tx.component("").insert("t", {});
  });
  expect(done).toEqual(["first", "nested"]);
});

test("each write, and what takes it back, counts as a change; reads do not", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    const app = tx.component("");
    const changed = async (run: () => unknown): Promise<boolean> => {
      const before = tx.changes;
      await run();
      expect(tx.changes).toBeGreaterThanOrEqual(before);
      return tx.changes > before;
    };
    let id = "";
    expect(await changed(async () => (id = await app.insert("t", { n: 1 })))).toBe(true);
    expect(await changed(() => app.get(id))).toBe(false);
    expect(await changed(() => app.patch(id, { n: 2 }))).toBe(true);
    expect(await changed(() => app.cells(codec).set("c", 1))).toBe(true);
    expect(await changed(() => failing(tx, async () => {}))).toBe(true);
    expect(await changed(() => tx.nested(async () => {}))).toBe(false);
    expect(await changed(() => tx.removeTable("", "t"))).toBe(true);
    expect(await changed(() => tx.removeTable("", "t"))).toBe(false);
    expect(await changed(() => tx.ensureTable("", "u", []))).toBe(true);
  });
});

test("a write changes what its own component has, and what is taken back may change anything", async () => {
  const database = await openDatabase();
  await mutate(database, (tx) => tx.component("a").insert("t", { n: 1 }));
  await mutate(database, (tx) => tx.component("b").insert("t", { n: 1 }));
  await mutate(database, async (tx) => {
    const changed = async (run: () => unknown): Promise<string[]> => {
      const before = ["a", "b"].map((path) => ({ path, changes: tx.changesOf(path) }));
      await run();
      return before.flatMap(({ path, changes }) => (tx.changesOf(path) > changes ? [path] : []));
    };
    let id = "";
    expect(await changed(async () => (id = await tx.component("a").insert("t", { n: 2 })))).toEqual(["a"]);
    expect(await changed(() => tx.component("a").patch(id, { n: 3 }))).toEqual(["a"]);
    expect(await changed(() => tx.component("b").cells(codec).set("c", 1))).toEqual(["b"]);
    expect(await changed(() => failing(tx, async () => {}))).toEqual(["a", "b"]);
    expect(await changed(() => tx.component("b").insert("new", {}))).toEqual(["a", "b"]);
  });
});

test("sub-transactions that overlap are refused, and limits of one are over with it", async () => {
  const database = await openDatabase();
  const overlapping = database.mutate(async (tx) => {
    let leave = (): void => {};
    const left = new Promise<void>((resolve) => (leave = resolve));
    const first = tx.nested(() => left);
    const second = tx.nested(async () => {
      leave();
      await first;
    });
    await second;
  });
  await expect(overlapping).rejects.toThrow("sub-transactions of one transaction overlap");
  await database.mutate(async (tx) => {
    const insert = (): Promise<unknown> => tx.component("").insert("t", {});
    const refused = tx.nested(insert, { documentsWritten: 0 });
    await expect(refused).rejects.toMatchObject({ code: "TRANSACTION_LIMIT" });
    await tx.nested(async () => {}, { documentsWritten: 0 });
    await insert();
    const limited = tx.limited(insert, { documentsWritten: 0 });
    await expect(limited).rejects.toMatchObject({ code: "TRANSACTION_LIMIT" });
    await insert();
    const uncounted = await tx.uncounted(insert);
    expect(uncounted).toBeTypeOf("string");
  });
});

test("a sub-transaction that fails after its transaction is over harms nothing", async () => {
  const database = await openDatabase();
  let fail = (): void => {};
  let lost: Promise<unknown> = Promise.resolve();
  await database.mutate(async (tx) => {
    await tx.component("").insert("t", { n: 1 });
    const late = new Promise<void>((_resolve, reject) => (fail = () => reject(new Error("late"))));
    lost = tx.nested(() => late).catch((error: unknown) => error);
  });
  fail();
  expect(await lost).toMatchObject({ message: "late" });
  expect(await readAll(database, fullScan("t"))).toHaveLength(1);
});

test("names of cells are in order, with what the transaction set and without what it removed, as many as are asked for", async () => {
  const database = await openDatabase();
  await mutate(database, async (tx) => {
    await tx.component("").insert("t", {});
    for (const name of ["a1", "a2", "a3", "b1"]) tx.component("").cells(codec).set(name, 1);
  });
  await mutate(database, async (tx) => {
    const cells = tx.component("").cells(codec);
    cells.set("a1", undefined);
    cells.set("a0", 1);
    cells.set("b0", 1);
    expect(await cells.names("a", 9)).toEqual(["a0", "a2", "a3"]);
    expect(await cells.names("a", 2)).toEqual(["a0", "a2"]);
    expect(await cells.names("", 9)).toEqual(["a0", "a2", "a3", "b0", "b1"]);
    cells.set("a2", undefined);
    cells.set("a0", undefined);
    expect(await cells.names("a", 1)).toEqual(["a3"]);
    expect(await tx.staleReader("").cells(codec).names("a", 9)).toEqual(["a1", "a2", "a3"]);
    expect(await tx.component("sub").cells(codec).names("a", 9)).toEqual([]);
    expect(await tx.component("sub").cells(codec).get("a")).toBeUndefined();
    expect(() => tx.component("sub").cells(codec).set("a", 1)).toThrow("without tables");
  });
});
