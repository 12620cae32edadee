/** Does what apps' tests do, on larger tables than most of them have; each test fills its own. */
import { convexTest } from "convex-test";
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";

const schema = defineSchema({
  scores: defineTable({ user: v.string(), value: v.number() })
    .index("by_user", ["user"])
    .index("by_value", ["value"]),
});
const modules = { "./_generated/api.js": () => Promise.resolve({}) };

async function filled(count: number) {
  const t = convexTest(schema, modules);
  await t.run(async (ctx) => {
    for (let i = 0; i < count; i += 1) {
      await ctx.db.insert("scores", { user: `user${i % 100}`, value: (i * 7919) % count });
    }
  });
  return t;
}

test.each([1000, 5000])("%i documents: look-ups by index", async (count) => {
  const t = await filled(count);
  for (let i = 0; i < 50; i += 1) {
    const found = await t.query((ctx) =>
      ctx.db
        .query("scores")
        .withIndex("by_value", (q) => q.eq("value", i))
        .unique(),
    );
    expect(found?.value).toBe(i);
  }
});

test.each([1000, 5000])("%i documents: pages", async (count) => {
  const t = await filled(count);
  let cursor: string | null = null;
  let seen = 0;
  for (let isDone = false; !isDone;) {
    const page: { page: unknown[]; isDone: boolean; continueCursor: string } = await t.query((ctx) =>
      ctx.db.query("scores").withIndex("by_value").paginate({ numItems: 100, cursor }),
    );
    seen += page.page.length;
    ({ isDone, continueCursor: cursor } = page);
  }
  expect(seen).toBe(count);
});

test.each([1000, 5000])("%i documents: mutations that read one user's", async (count) => {
  const t = await filled(count);
  for (let i = 0; i < 50; i += 1) {
    await t.mutation(async (ctx) => {
      const [first] = await ctx.db
        .query("scores")
        .withIndex("by_user", (q) => q.eq("user", `user${i}`))
        .take(1);
      await ctx.db.patch("scores", first!._id, { value: -1 });
    });
  }
  const changed = await t.query(
    async (ctx) =>
      (
        await ctx.db
          .query("scores")
          .withIndex("by_value", (q) => q.lt("value", 0))
          .collect()
      ).length,
  );
  expect(changed).toBe(50);
});
