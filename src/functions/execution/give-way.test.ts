import { anyApi as api, mutationGeneric as mutation } from "convex/server";
import { expect, test } from "vitest";
import { memory, openBackend } from "../../backend/index.js";
import { giveWay } from "./give-way.js";

test("a program that makes one call after another does not keep timers from running", async () => {
  const add = mutation({ handler: async (ctx) => void (await ctx.db.insert("rows", {})) });
  const backend = await openBackend({ storage: memory(), modules: { "./rows.ts": async () => ({ add }) } });
  let isOver = false;
  setTimeout(() => (isOver = true), 20);
  for (let calls = 0; !isOver && calls < 100_000; calls++) await backend.mutation(api.rows!.add!, {});
  expect(isOver).toBe(true);
  await backend.close();
});

/** Longer than calls begin in one turn of the event loop. */
function workLong(): void {
  const endMs = performance.now() + 1.2;
  while (performance.now() < endMs);
}

const turned = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

test("calls go on in the order they came, and before any that comes later", async () => {
  await turned();
  const order: string[] = [];
  const call = async (name: string): Promise<void> => {
    await giveWay("mutation");
    order.push(name);
    workLong();
  };
  await Promise.all(
    ["a", "b", "c"].map(async (name) => {
      await call(name);
      await call(`${name} later`);
    }),
  );
  expect(order).toEqual(["a", "b", "c", "a later", "b later", "c later"]);
});

test("a query that comes while mutations wait in line goes on after the next turn, not after all of them", async () => {
  await turned();
  void giveWay("mutation");
  workLong();
  const order: string[] = [];
  const mutations = Array.from({ length: 6 }, async (_, index) => {
    await giveWay("mutation");
    order.push(`mutation ${index}`);
    workLong();
  });
  await turned();
  await giveWay("query");
  order.push("query");
  await Promise.all(mutations);
  expect(order.indexOf("query")).toBeLessThan(4);
  expect(order.filter((name) => name !== "query")).toEqual(
    Array.from({ length: 6 }, (_, index) => `mutation ${index}`),
  );
});

test("the first call of a turn need not wait, however long ago the last one was", async () => {
  await turned();
  await turned();
  expect(giveWay("mutation")).toBeUndefined();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(giveWay("mutation")).toBeUndefined();
});
