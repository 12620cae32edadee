import { expect, test } from "vitest";
import { fullScan, mutate, openDatabase, readAll } from "../../../suites/setup/open-database.js";
import type { Change, ChangeHook } from "./types.js";

test("hooks see every write with the document before and after", async () => {
  const database = await openDatabase();
  const changes: Change[] = [];
  const hooks: ChangeHook[] = [async (_tx, change) => void changes.push(change)];
  database.setHooks((path, table) => (path === "c" && table === "t" ? hooks : []));
  await mutate(database, async (tx) => {
    const writer = tx.component("c");
    const id = await writer.insert("t", { n: 1 });
    await writer.patch(id, { n: 2 });
    await writer.replace(id, { m: 3 });
    await writer.delete(id);
    await writer.insert("other", {});
    await tx.component("").insert("t", {});
  });
  expect(changes.map(({ operation, oldDoc, newDoc }) => [operation, oldDoc?.["n"], newDoc?.["n"]])).toEqual([
    ["insert", undefined, 1],
    ["update", 1, 2],
    ["update", 2, undefined],
    ["delete", undefined, undefined],
  ]);
  expect(changes[0]).toMatchObject({ componentPath: "c", tableName: "t", oldDoc: null });
  expect(changes[3]).toMatchObject({ newDoc: null, oldDoc: { m: 3 } });
});

test("a hook that throws undoes its write and what hooks did, and nothing else", async () => {
  const database = await openDatabase();
  const hook: ChangeHook = async (tx, { newDoc }) => {
    await tx.component("").insert("log", { n: newDoc?.["n"] });
    if (newDoc?.["n"] === 2) throw new Error("not two");
  };
  database.setHooks((_path, table) => (table === "t" ? [hook] : []));
  await mutate(database, async (tx) => {
    const app = tx.component("");
    const id = await app.insert("t", { n: 1 });
    await expect(app.insert("t", { n: 2 })).rejects.toThrow("not two");
    await expect(app.patch(id, { n: 2 })).rejects.toThrow("not two");
    expect(await app.get(id)).toMatchObject({ n: 1 });
  });
  expect(await readAll(database, fullScan("t"))).toMatchObject([{ n: 1 }]);
  expect(await readAll(database, fullScan("log"))).toMatchObject([{ n: 1 }]);
});

test("hooks run for their own writes too, and may change what they are given", async () => {
  const database = await openDatabase();
  const hook: ChangeHook = async (tx, { newDoc }) => {
    const n = newDoc?.["n"] as number;
    if (newDoc !== null) newDoc["n"] = -1;
    if (n > 0) await tx.component("").insert("t", { n: n - 1 });
  };
  database.setHooks(() => [hook, hook]);
  await mutate(database, (tx) => tx.component("").insert("t", { n: 2 }));
  const found = (await readAll(database, fullScan("t"))).map(({ n }) => n);
  expect(found).toEqual([2, 1, 0, 0, 1, 0, 0]);
});

test("callbacks run after the commit, and not for what was undone", async () => {
  const database = await openDatabase();
  const called: string[] = [];
  await mutate(database, async (tx) => {
    tx.afterCommit(() => called.push("first"));
    await tx
      .nested(async () => {
        tx.afterCommit(() => called.push("undone"));
        throw new Error("no");
      })
      .catch(() => {});
    await tx.nested(async () => tx.afterCommit(() => called.push("second")));
    expect(called).toEqual([]);
  });
  expect(called).toEqual(["first", "second"]);
  const failing = mutate(database, async (tx) => {
    tx.afterCommit(() => called.push("never"));
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(called).toHaveLength(2);
});
