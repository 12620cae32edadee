import {
  anyApi,
  defineSchema,
  defineTable,
  internalMutationGeneric,
  internalActionGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fn } from "../functions/references.js";
import { engines } from "./engines.js";

const schema = defineSchema({ notes: defineTable({ text: v.string() }) });
const jobs = anyApi["jobs"]!;
const modules = {
  jobs: {
    note: internalMutationGeneric({
      args: { text: v.string() },
      handler: async (ctx, { text }) => {
        if (text === "bad") throw new Error("bad note");
        await ctx.db.insert("notes", { text });
      },
    }),
    noteBy: internalActionGeneric(async (ctx, args: { text: string }) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const name = (await ctx.auth.getUserIdentity())?.name ?? "nobody";
      await ctx.runMutation(jobs["note"]!, { text: `${args.text} by ${name}` });
    }),
    chain: internalMutationGeneric(async (ctx, { left }: { left: number }) => {
      await ctx.db.insert("notes", { text: String(left) });
      if (left > 0) await ctx.scheduler.runAfter(0, jobs["chain"]!, { left: left - 1 });
    }),
    forever: internalMutationGeneric(async (ctx) => {
      await ctx.scheduler.runAfter(0, jobs["forever"]!, {});
    }),
    texts: queryGeneric(async (ctx) =>
      (await ctx.db.query("notes").collect()).map(({ text }) => text as string),
    ),
    states: queryGeneric(async (ctx) =>
      (await ctx.db.system.query("_scheduled_functions").collect()).map(({ state }) => state.kind),
    ),
  },
};
const texts = fn<"query">("jobs:texts");
const states = fn<"query">("jobs:states");

/** What the types of the mock do not tell: in a test, ids of the system's tables can be written. */
interface SystemWriter {
  patch(id: string, fields: object): Promise<void>;
  delete(tableOrId: string, id?: string): Promise<void>;
}

describe.each(engines)("scheduled functions on %s", (_name, open) => {
  describe("with fake timers", () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test("begin when time has come to them, and are documents meanwhile", async () => {
      const t = open({ schema, modules });
      await t.run(async (ctx) => {
        await ctx.scheduler.runAfter(0, jobs["note"]!, { text: "now" });
        await ctx.scheduler.runAfter(60_000, jobs["note"]!, { text: "later" });
      });
      expect(await t.query(states)).toEqual(["pending", "pending"]);
      vi.advanceTimersByTime(0);
      await t.finishInProgressScheduledFunctions();
      expect(await t.query(states)).toEqual(["success", "pending"]);
      await t.finishAllScheduledFunctions(vi.runAllTimers);
      expect(await t.query(texts)).toEqual(["now", "later"]);
      const [job] = await t.query((ctx) => ctx.db.system.query("_scheduled_functions").collect());
      expect(job).toMatchObject({ name: "jobs:note", args: [{ text: "now" }], state: { kind: "success" } });
    });

    test("that have begun are waited for, what they schedule is not", async () => {
      const t = open({ schema, modules });
      await t.run((ctx) => ctx.scheduler.runAfter(0, jobs["chain"]!, { left: 2 }));
      vi.runAllTimers();
      await t.finishInProgressScheduledFunctions();
      expect(await t.query(texts)).toEqual(["2"]);
      expect(await t.query(states)).toEqual(["success", "pending"]);
      await t.finishAllScheduledFunctions(vi.runAllTimers);
      expect(await t.query(texts)).toEqual(["2", "1", "0"]);
    });

    test("call for nobody, and may wait for timers of their own", async () => {
      const t = open({ schema, modules });
      await t
        .withIdentity({ name: "Ada" })
        .run((ctx) => ctx.scheduler.runAfter(0, jobs["noteBy"]!, { text: "a" }));
      await t.finishAllScheduledFunctions(vi.runAllTimers);
      expect(await t.query(texts)).toEqual(["a by nobody"]);
    });

    test("are canceled, fail, or never came to be when their mutation threw", async () => {
      const t = open({ schema, modules });
      const error = vi.spyOn(console, "error").mockImplementation(() => {});
      const id = await t.run((ctx) => ctx.scheduler.runAfter(10, jobs["note"]!, { text: "canceled" }));
      await t.run((ctx) => ctx.scheduler.cancel(id));
      await t.run((ctx) => ctx.scheduler.runAfter(10, jobs["note"]!, { text: "bad" }));
      await expect(
        t.run(async (ctx) => {
          await ctx.scheduler.runAfter(10, jobs["note"]!, { text: "undone" });
          throw new Error("no");
        }),
      ).rejects.toThrow("no");
      await t.finishAllScheduledFunctions(vi.runAllTimers);
      expect(await t.query(states)).toEqual(["canceled", "failed"]);
      expect(await t.query(texts)).toEqual([]);
      error.mockRestore();
    });

    test("that schedule themselves forever are given up", async () => {
      const t = open({ schema, modules });
      await t.mutation(fn<"mutation">("jobs:forever"));
      await expect(t.finishAllScheduledFunctions(vi.runAllTimers, 20)).rejects.toThrow(
        "Check for infinitely recursive scheduled functions",
      );
    });

    test("fail to finish when the test's clock is taken away meanwhile", async () => {
      const t = open({ schema, modules });
      await t.run((ctx) => ctx.scheduler.runAfter(0, jobs["noteBy"]!, { text: "a" }));
      const advance = vi.fn<() => void>(() => {
        vi.advanceTimersByTime(1);
        if (advance.mock.calls.length === 3) vi.useRealTimers();
      });
      await expect(t.finishAllScheduledFunctions(advance)).rejects.toThrow(
        "timers were restored or replaced",
      );
    });
  });

  test("are put into any state by a test, and cleaned up by it", async () => {
    const t = open({ schema, modules });
    const system = (db: unknown): SystemWriter => db as SystemWriter;
    const id = await t.run((ctx) => ctx.scheduler.runAfter(3_600_000, jobs["note"]!, { text: "never" }));
    await t.run(
      async ({ db }) => await system(db).patch(id, { state: { kind: "failed", error: "by hand" } }),
    );
    expect(await t.query(states)).toEqual(["failed"]);
    await t.run(async ({ db }) => await system(db).delete("_scheduled_functions", id));
    expect(await t.query(states)).toEqual([]);
    await expect(t.run(async ({ db }) => await system(db).delete(id))).rejects.toThrow("non-existent");
  });

  test("run by themselves with real timers", async () => {
    const t = open({ schema, modules });
    await t.run((ctx) => ctx.scheduler.runAfter(0, jobs["chain"]!, { left: 1 }));
    await expect.poll(() => t.query(texts)).toEqual(["1", "0"]);
    await t.finishInProgressScheduledFunctions();
    expect(await t.query(states)).toEqual(["success", "success"]);
  });

  test("scheduled with real timers are finished with fake ones, those due later left", async () => {
    const t = open({ schema, modules });
    await t.run(async (ctx) => {
      await ctx.scheduler.runAfter(0, jobs["note"]!, { text: "due" });
      await ctx.scheduler.runAfter(3_600_000, jobs["note"]!, { text: "not due" });
    });
    vi.useFakeTimers();
    await t.finishAllScheduledFunctions(vi.runAllTimers);
    vi.useRealTimers();
    expect(await t.query(texts)).toEqual(["due"]);
    expect(await t.query(states)).toEqual(["success", "pending"]);
  });
});
