/** Tests builds from within the component: sizes of batches, what goes wrong in them, and what is left when they are dropped. */
import { convexTest } from "convex-test";
import { makeFunctionReference, type FunctionArgs, type FunctionReturnType } from "convex/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import aggregateTest from "../test.js";
import type { DatabaseWriter } from "./_generated/server.js";
import type { ComponentApi } from "./_generated/component.js";
import type { Operation } from "./interface/operation.js";

type Due = FunctionReturnType<ComponentApi["generations"]["due"]>;
type FillArgs = FunctionArgs<ComponentApi["generations"]["fill"]>;

const definition = "scores@1";

function open(transactionLimits?: { documentsWritten: number }) {
  const { schema, modules } = aggregateTest;
  const t = convexTest({ schema, modules, ...(transactionLimits && { transactionLimits }) });
  const call = (name: string, args: Record<string, unknown> = {}): Promise<unknown> =>
    t.mutation(makeFunctionReference<"mutation">(name), args);
  const db = <T>(body: (db: DatabaseWriter) => Promise<T>): Promise<T> =>
    t.run((ctx) => body(ctx.db as unknown as DatabaseWriter));
  return {
    call,
    db,
    due: (): Promise<Due> => call("generations:due", { definition }) as Promise<Due>,
    count: (): Promise<number[]> =>
      t.query(makeFunctionReference<"query">("reads:counts"), { queries: [{}], definition }),
    state: async () => (await db((tables) => tables.query("generations").order("desc").first()))?.status,
  };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function put(index: number): Operation {
  return { type: "put", key: index, id: `id ${index}`, sumValue: 1 };
}

function batch(generation: number, first: number, count: number, more: Partial<FillArgs> = {}): FillArgs {
  const indexes = Array.from({ length: count }, (_, offset) => first + offset);
  return {
    generation,
    operations: indexes.map(put),
    creationTimes: indexes,
    isDone: false,
    beganAtMs: Date.now(),
    ...more,
  };
}

test("batches that are quick grow, those that are slow shrink, and the cursor follows them", async () => {
  const { call, due } = open();
  await call("generations:begin", { definition });
  expect(await due()).toMatchObject({ kind: "fill", generation: 1, limit: 64, isFirst: true });
  await call("generations:fill", batch(1, 0, 64));
  expect(await due()).toMatchObject({
    limit: 128,
    isFirst: false,
    cursor: { creationTime: 63, id: "id 63" },
  });
  await call("generations:fill", batch(1, 64, 128, { beganAtMs: Date.now() - 100 }));
  expect(await due()).toMatchObject({ limit: 64 });
});

test("a batch that fails as a whole is tried again in halves, down to the document that does it", async () => {
  const { call, due, state } = open();
  await call("generations:begin", { definition });
  const failure = { message: "too much", documentId: "id 0" };
  for (let size = 64; size > 1; size /= 2) {
    expect(await due()).toMatchObject({ limit: size });
    await call("generations:shrink", { generation: 1, failure });
  }
  await call("generations:shrink", { generation: 1, failure });
  expect(await state()).toBe("failed");
  await call("generations:fill", batch(1, 0, 1));
  expect(await state()).toBe("building");
});

test("damage that a batch or a write meets leads to another build, and no error", async () => {
  const { call, db, due, state } = open();
  await call("generations:begin", { definition });
  await call("generations:fill", batch(1, 0, 64));
  await db(async (tables) => {
    for (const { _id } of await tables.query("nodes").collect()) await tables.delete("nodes", _id);
  });
  await call("generations:fill", batch(1, 64, 64));
  expect(await due()).toMatchObject({ kind: "fill", generation: 2, isFirst: true });
  await call("generations:fill", batch(2, 0, 10));
  await db(async (tables) => {
    for (const { _id } of await tables.query("nodes").collect()) await tables.delete("nodes", _id);
  });
  expect(await call("managed:follow", { definition, operations: [put(5)] })).toBe(true);
  expect(await due()).toMatchObject({ kind: "fill", generation: 3, isFirst: true });
  expect(await state()).toBe("building");
});

test("what is dropped is cleared in parts, and its number is never given again", async () => {
  const { call, db, due } = open();
  await call("generations:begin", { definition });
  for (let first = 0; first < 8000; first += 2000) await call("generations:fill", batch(1, first, 2000));
  await call("generations:begin", { definition: "scores@2" });
  await call("generations:begin", { definition, standby: true });
  await call("generations:begin", { definition: "scores@2" });
  const left = (): Promise<number> => db(async (tables) => (await tables.query("nodes").collect()).length);
  let before = await left();
  expect(before).toBeGreaterThan(500);
  for (let parts = 1; before > 0; parts++) {
    await call("generations:clear");
    const after = await left();
    expect(after).toBeLessThan(before);
    // The branches above the last one are taken along.
    expect(before - after).toBeLessThan(510);
    before = after;
    expect(parts).toBeLessThan(10);
  }
  for (let parts = 0; parts < 6; parts++) await call("generations:clear");
  const kept = await db(async (tables) => ({
    trees: (await tables.query("trees").collect()).length,
    builds: (await tables.query("builds").collect()).map(({ generation }) => generation),
    generations: (await tables.query("generations").collect()).map(({ generation }) => generation),
  }));
  // The newest one stays on record.
  expect(kept).toEqual({ trees: 0, builds: [2], generations: [2, 3] });
  await call("generations:begin", { definition });
  expect(await due()).toMatchObject({ kind: "fill", generation: 4 });
});

test("a batch ends before it exceeds what a transaction may read or write, and the next one takes less", async () => {
  const { call, db, due } = open({ documentsWritten: 60 });
  await call("generations:begin", { definition });
  await call("generations:fill", batch(1, 0, 500));
  const build = await db((tables) => tables.query("builds").first());
  expect(build?.processed).toBeGreaterThan(32);
  expect(build?.processed).toBeLessThan(500);
  expect(build?.cursor?.creationTime).toBe((build?.processed ?? 0) - 1);
  expect(await due()).toMatchObject({ limit: build?.processed });
});
