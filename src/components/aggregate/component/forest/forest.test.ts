/** Counts how few documents calls read and write where nodes are documents. */
import { convexTest } from "convex-test";
import { expect, test } from "vitest";
import aggregateTest from "../../test.js";
import { countRange, rangeOf, settle } from "../../tree/index.js";
import type { DatabaseWriter } from "../_generated/server.js";
import { Forest } from "./forest.js";
import { applyOperation } from "./operations.js";

const itemAt = (index: number) => ({ key: (index * 7919) % 10_007, id: "a", sumValue: 1 });

/** The database, and what was asked of it: `get n`, `replace n`, … for each document. */
function observed(db: DatabaseWriter): { db: DatabaseWriter; calls: string[] } {
  const calls: string[] = [];
  const proxy = new Proxy(db, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function" || typeof name !== "string") return method;
      return (...args: unknown[]): unknown => {
        calls.push(`${name} ${name === "query" || name === "insert" ? String(args[0]) : String(args[1])}`);
        return Reflect.apply(method, target, args);
      };
    },
  });
  return { db: proxy, calls };
}

/** Calls by kind, after checking that no document was read or written twice. */
function countsOf(calls: readonly string[]): Record<string, number> {
  const named = calls.filter((call) => !call.startsWith("query") && !call.startsWith("insert"));
  expect(new Set(named).size).toBe(named.length);
  const counts: Record<string, number> = {};
  for (const call of calls) {
    const kind = call.split(" ")[0] ?? "";
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

test("a call reads each node at most once and writes it at most once, in a batch too", async () => {
  const { schema, modules } = aggregateTest;
  const t = convexTest({ schema, modules });
  const write = (operations: { key: number; id: string; sumValue?: number }[]) =>
    t.run(async (ctx) => {
      const { db, calls } = observed(ctx.db);
      const forest = new Forest(db);
      for (const item of operations) await applyOperation(forest, { type: "insert", ...item });
      await forest.flush(db);
      return countsOf(calls);
    });
  await write(Array.from({ length: 2000 }, (_, index) => itemAt(index)));
  // The root, which is lazy and therefore not written, a branch and a leaf.
  expect(await write([{ key: 5000.5, id: "a" }])).toEqual({ query: 1, get: 3, replace: 2 });
  // Fifty neighbours share a few leaves and everything above them; a split of the root visits its children.
  const batch = await write(Array.from({ length: 50 }, (_, index) => ({ key: 7000 + index / 100, id: "b" })));
  expect(batch["get"]).toBeLessThanOrEqual(3 + 16);
  expect((batch["replace"] ?? 0) + (batch["insert"] ?? 0)).toBeLessThanOrEqual(24);
});

test("a count reads the two ends of its range, and the root's children between them", async () => {
  const { schema, modules } = aggregateTest;
  const t = convexTest({ schema, modules });
  const counts = await t.run(async (ctx) => {
    const forest = new Forest(ctx.db);
    for (let index = 0; index < 2000; index++) {
      await applyOperation(forest, { type: "insert", ...itemAt(index) });
    }
    await forest.flush(ctx.db);
    const { db, calls } = observed(ctx.db);
    const reading = new Forest(db);
    await reading.load([undefined]);
    const tree = reading.find(undefined);
    if (tree === null) throw new Error("nothing was written");
    const range = rangeOf({ lower: { key: 2000, inclusive: true }, upper: { key: 8000, inclusive: false } });
    const count = await settle(reading.nodes, () => countRange(tree, range));
    expect(count).toBeGreaterThan(1000);
    return countsOf(calls);
  });
  expect(counts["query"]).toBe(1);
  expect(counts["get"]).toBeLessThanOrEqual(1 + 16 + 2);
});
