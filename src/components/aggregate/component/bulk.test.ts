/** Tests builds in bulk from within the component: what a call finds when the build is not wanted any more, and what is left. */
import { convexTest } from "convex-test";
import { makeFunctionReference } from "convex/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { encodeKey } from "../../../values/index.js";
import { entryText, Position } from "../tree/index.js";
import aggregateTest from "../test.js";
import type { DatabaseWriter } from "./_generated/server.js";

const definition = "scores@1";
const space = encodeKey([undefined]);

function open() {
  const { schema, modules } = aggregateTest;
  const t = convexTest({ schema, modules });
  const call = (name: string, args: Record<string, unknown> = {}): Promise<unknown> =>
    t.mutation(makeFunctionReference<"mutation">(name), args);
  const db = <T>(body: (db: DatabaseWriter) => Promise<T>): Promise<T> =>
    t.run((ctx) => body(ctx.db as unknown as DatabaseWriter));
  return {
    call,
    db,
    due: (underWay: number | null): Promise<unknown> =>
      call("generations:due", { definition, bulk: { underWay } }),
    pack: (generation: number, keys: readonly number[]): Promise<unknown> =>
      call("bulk:pack", { generation, measures: [""], entries: keys.map(entryOf) }),
    follow: (key: number): Promise<unknown> =>
      call("managed:follow", {
        definition,
        operations: [{ type: "put", key, id: `id ${key}`, sumValue: 1 }],
      }),
    counts: (): Promise<unknown> =>
      t.query(makeFunctionReference<"query">("reads:counts"), { queries: [{}], definition }),
    waiting: () => db(async (tables) => (await tables.query("besideOperations").collect()).length),
  };
}

function entryOf(key: number): string {
  return entryText(space, { position: new Position(key, `id ${key}`), values: [1] });
}

beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));
afterEach(() => void vi.restoreAllMocks());

test("what is packed and what waits make up the aggregate, which answers with the last of them", async () => {
  const { call, due, pack, follow, counts, waiting } = open();
  await call("generations:begin", { definition });
  expect(await due(null)).toMatchObject({ kind: "bulk", generation: 1 });
  await follow(7);
  expect(await pack(1, [1, 2, 3])).toMatchObject({ count: 3 });
  await follow(2.5);
  expect(await pack(1, [4])).toMatchObject({ count: 1 });
  expect(await waiting()).toBe(2);
  await expect(counts()).rejects.toMatchObject({ data: { code: "AGGREGATE_BUILDING" } });
  expect(await call("bulk:merge", { generation: 1, limit: 1 })).toBe(true);
  expect(await call("bulk:merge", { generation: 1, limit: 2 })).toBe(false);
  expect([await counts(), await waiting()]).toEqual([[6], 0]);
  await follow(8);
  expect([await counts(), await waiting()]).toEqual([[7], 0]);
});

test("a build of which another process knows nothing is replaced, and what it left is cleared with what waited", async () => {
  const { call, db, due, pack, follow, waiting } = open();
  await call("generations:begin", { definition });
  await due(null);
  await pack(1, [1, 2]);
  await follow(3);
  expect(await due(1)).toMatchObject({ kind: "bulk", generation: 1 });
  expect(await due(null)).toMatchObject({ kind: "bulk", generation: 2 });
  const note = { processed: 1, total: 2, activeMs: 3 };
  expect(await pack(1, [4])).toBeNull();
  expect(await call("bulk:merge", { generation: 1, limit: 9 })).toBeNull();
  expect(await call("bulk:note", { generation: 1, ...note })).toBe(false);
  expect(await call("bulk:fail", { generation: 1, failure: { message: "no" } })).toBe(false);
  await follow(5);
  expect(await call("bulk:note", { generation: 2, ...note })).toBe(true);
  expect(await call("bulk:merge", { generation: 2, limit: 9 })).toBe(false);
  expect(await waiting()).toBe(1);
  for (let step = 0; step < 5; step++) await call("generations:clear");
  expect(await waiting()).toBe(0);
  const left = await db(async (tables) =>
    (await tables.query("trees").collect()).map((tree) => tree.generation),
  );
  expect(left).toEqual([2]);
});

test("a build that begins anew keeps the settings that it was asked for", async () => {
  const { call, db, due, pack } = open();
  await call("generations:rebuild", { definition, maxNodeSize: 8, rootLazy: false });
  expect(await due(null)).toMatchObject({ generation: 1 });
  await pack(1, [1]);
  expect(await due(null)).toMatchObject({ generation: 2 });
  await pack(2, [1]);
  const trees = await db((tables) => tables.query("trees").collect());
  expect(trees.find(({ generation }) => generation === 2)).toMatchObject({ maxNodeSize: 8, rootLazy: false });
});

test("a write that is too large is refused by the list, too", async () => {
  const { call, due } = open();
  await call("generations:begin", { definition });
  await due(null);
  const operations = [{ type: "put", key: "x".repeat(200_000), id: "id" }];
  await expect(call("managed:follow", { definition, operations })).rejects.toMatchObject({
    data: { code: "ITEM_TOO_LARGE", id: "id" },
  });
});

test("a check that was asked for while it was built is carried out, and its own stands beside it", async () => {
  const { call, db, due } = open();
  await call("generations:begin", { definition });
  await due(null);
  const run = await call("verification:start", { definition, repair: false, startedBy: "test" });
  await call("bulk:merge", { generation: 1, limit: 9 });
  expect(await due(null)).toMatchObject({ kind: "run", runId: run });
  const runs = await db((tables) => tables.query("checkRuns").collect());
  expect(runs.map(({ startedBy }) => startedBy)).toEqual(["test"]);
});

test("trees that were damaged while they were built are built anew", async () => {
  const { call, db, due, pack, follow } = open();
  await call("generations:begin", { definition });
  await due(null);
  await pack(1, [1, 2]);
  await follow(3);
  await db(async (tables) => {
    for (const { _id } of await tables.query("nodes").collect()) await tables.delete("nodes", _id);
  });
  expect(await call("bulk:merge", { generation: 1, limit: 9 })).toBeNull();
  expect(await due(1)).toMatchObject({ kind: "bulk", generation: 2 });
});
