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

test("calls that give way go on in the order they came, and before any that comes later", async () => {
  await new Promise((resolve) => setTimeout(resolve, 15));
  const order: string[] = [];
  const call = async (name: string): Promise<void> => {
    await giveWay();
    order.push(name);
  };
  const early = ["a", "b", "c"].map(async (name) => {
    await call(name);
    // By now the event loop has turned: these need not give way.
    await call(`${name} later`);
  });
  await Promise.all(early);
  expect(order).toEqual(["a", "b", "c", "a later", "b later", "c later"]);
});
