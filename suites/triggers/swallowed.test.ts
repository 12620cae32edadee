/**
 * A mutation that catches what a trigger threw must not commit the write without what should have followed from it. Where
 * the database runs the trigger, the write is undone and the mutation may go on. Where `wrapDB` does, the mutation fails;
 * the official mock gives no way to do that, so there the test run fails, by a rejection that nobody handled.
 */
import { describe, expect, test } from "vitest";
import { Triggers } from "trueup/triggers";
import type { Ctx, DataModel } from "./app.js";
import { hosts } from "./hosts.js";
import { unhandledRejections } from "../setup/unhandled-rejections.js";

/** Triggers that refuse users called "bad". */
function refusing(): Triggers<DataModel> {
  const triggers = new Triggers<DataModel>();
  triggers.register("users", async (ctx, { newDoc }) => {
    if (newDoc?.name === "bad") throw new Error("no bad users");
    await ctx.db.insert("log", { name: "added", score: 0 });
  });
  return triggers;
}

const swallow = (): void => {};
const insertBad = (ctx: Ctx): Promise<unknown> =>
  ctx.db.insert("users", { name: "bad", score: 0 }).catch(swallow);

const wrapping = hosts.filter(({ wraps }) => wraps);

describe.each(hosts.filter(({ wraps }) => !wraps))("on $name", ({ open }) => {
  test("the write is undone, and the mutation goes on", async () => {
    const app = await open(refusing());
    await app.mutate(async (ctx) => {
      await insertBad(ctx);
      await ctx.db.insert("users", { name: "good", score: 0 });
    });
    expect([await app.count("users"), await app.count("log")]).toEqual([1, 1]);
  });
});

describe.each(wrapping.filter(({ canFail }) => canFail))("on $name", ({ open }) => {
  test.each<[string, (ctx: Ctx) => Promise<unknown>]>([
    ["returns", () => Promise.resolve()],
    ["reads", (ctx) => (async () => ctx.db.query("users").collect())().catch(swallow)],
    ["reads one document", (ctx) => (async () => ctx.db.get("users" as never))().catch(swallow)],
    ["writes", (ctx) => ctx.db.insert("log", { name: "", score: 0 }).catch(swallow)],
    ["calls another table's trigger", (ctx) => insertBad(ctx)],
  ])("a mutation that then %s fails", async (_what, then) => {
    const app = await open(refusing());
    const heard = await unhandledRejections(async () => {
      const run = app.mutate(async (ctx) => {
        await ctx.db.insert("users", { name: "good", score: 0 });
        await insertBad(ctx);
        await then(ctx);
      });
      await expect(run).rejects.toThrow("no bad users");
    });
    expect(heard).toEqual([]);
    expect([await app.count("users"), await app.count("log")]).toEqual([0, 0]);
  });
});

describe.each(hosts.filter(({ canFail }) => canFail))("on $name", ({ open }) => {
  test("a write that the mutation does not wait for is done with its triggers before it ends", async () => {
    const app = await open(refusing());
    await app.mutate((ctx) => {
      for (const name of ["a", "b", "c"]) void ctx.db.insert("users", { name, score: 0 });
      return Promise.resolve();
    });
    expect([await app.count("users"), await app.count("log")]).toEqual([3, 3]);
  });

  test("and fails it, or is undone, when a trigger throws", async () => {
    const app = await open(refusing());
    await app
      .mutate((ctx) => {
        void insertBad(ctx);
        return Promise.resolve();
      })
      .catch(swallow);
    expect([await app.count("users"), await app.count("log")]).toEqual([0, 0]);
  });
});

describe.each(wrapping.filter(({ canFail }) => !canFail))("on $name", ({ open }) => {
  test("a mutation that uses the db again leaves one rejection that nobody handled", async () => {
    const app = await open(refusing());
    const heard = await unhandledRejections(() =>
      app.mutate(async (ctx) => {
        await insertBad(ctx);
        await (async () => ctx.db.query("users").collect())().catch(swallow);
        await ctx.db.insert("log", { name: "", score: 0 }).catch(swallow);
      }),
    );
    expect(heard).toMatchObject([{ message: "no bad users" }]);
  });

  test("one that lets the error go on leaves none, nor does one with `customization`", async () => {
    const app = await open(refusing());
    const triggers = refusing();
    const heard = await unhandledRejections(async () => {
      const twice = app.mutate((ctx) =>
        Promise.all(["bad", "good"].map((name) => ctx.db.insert("users", { name, score: 0 }))),
      );
      await expect(twice).rejects.toThrow("no bad users");
      const raw = await open(new Triggers<DataModel>());
      const customized = raw.mutate(async (ctx) => {
        const added = await triggers.customization.input(ctx);
        const own = { ...ctx, ...added.ctx };
        await insertBad(own);
        await insertBad(own);
        added.onSuccess();
      });
      await expect(customized).rejects.toThrow("no bad users");
    });
    expect(heard).toEqual([]);
    expect(await app.count("users")).toBe(0);
  });
});
