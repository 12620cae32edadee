import { anyApi as api, mutationGeneric as mutation } from "convex/server";
import { expect, test } from "vitest";
import { memory, openBackend } from "../../backend/index.js";

test("a program that makes one call after another does not keep timers from running", async () => {
  const add = mutation({ handler: async (ctx) => void (await ctx.db.insert("rows", {})) });
  const backend = await openBackend({ storage: memory(), modules: { "./rows.ts": async () => ({ add }) } });
  let isOver = false;
  setTimeout(() => (isOver = true), 20);
  for (let calls = 0; !isOver && calls < 100_000; calls++) await backend.mutation(api.rows!.add!, {});
  expect(isOver).toBe(true);
  await backend.close();
});
