/** Transactions take turns, or conflict; what they do not commit leaves no trace. */
import { expect, test } from "vitest";
import { abc, mutate, put, readAll } from "../storage-calls.js";
import type { Open } from "./subject.js";

export function transactions(open: Open): void {
  test("a transaction sees what the ones before it committed, and not its own writes", async () => {
    const storage = await open();
    await put(storage, abc);
    const transaction = await storage.begin();
    expect(await transaction.scan({ start: "" })).toEqual(abc);
    const version = await transaction.commit({ writes: [["b", "new"]] });
    const next = await storage.begin();
    expect(next.version).toBe(version);
    expect(await next.getMany(["a", "b"])).toEqual(["1", "new"]);
    next.rollback();
  });

  test("waiting transactions see their predecessors' writes: no increment is lost", async () => {
    const storage = await open();
    const increments = Array.from({ length: 100 }, (_, index) =>
      mutate(storage, async (transaction) => [
        ["count", String(Number((await transaction.get("count")) ?? 0) + 1)],
        [`by${index}`, "1"],
      ]),
    );
    const versions = await Promise.all(increments);
    expect(new Set(versions).size).toBe(100);
    const entries = await readAll(storage);
    expect(entries.length).toBe(101);
    expect(entries.at(-1)).toEqual(["count", "100"]);
  });

  test("serial transactions take turns in the order of begin", async () => {
    const storage = await open();
    if (!storage.capabilities.serialTransactions) return;
    const order: string[] = [];
    await Promise.all(
      ["a", "b", "c", "d"].map(async (name) => {
        const transaction = await storage.begin();
        order.push(`${name} begins`);
        await transaction.get(name);
        order.push(`${name} ends`);
        if (name === "b") transaction.rollback();
        else await transaction.commit({ writes: [[name, name]] });
      }),
    );
    expect(order).toEqual(["a", "b", "c", "d"].flatMap((name) => [`${name} begins`, `${name} ends`]));
    expect((await readAll(storage)).map(([key]) => key)).toEqual(["a", "c", "d"]);
  });

  test("a rolled back transaction leaves nothing and lets the next one begin", async () => {
    const storage = await open();
    await put(storage, abc);
    const { version } = storage;
    const transaction = await storage.begin();
    await transaction.get("a");
    transaction.rollback();
    transaction.rollback();
    expect(storage.version).toBe(version);
    expect(await put(storage, [["d", "4"]])).toBeGreaterThan(version);
    expect(await readAll(storage)).toEqual([...abc, ["d", "4"]]);
  });

  test("an ended transaction cannot be used", async () => {
    const storage = await open();
    const transaction = await storage.begin();
    await transaction.commit({ writes: [["a", "1"]] });
    await expect((async () => transaction.commit({ writes: [["a", "2"]] }))()).rejects.toThrow("ended");
    await expect((async () => transaction.get("a"))()).rejects.toThrow("ended");
    transaction.rollback();
    expect(await readAll(storage)).toEqual([["a", "1"]]);
  });
}
