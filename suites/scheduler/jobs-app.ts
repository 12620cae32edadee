/** An app that notes what ran, for the suites of scheduled functions and crons. */
import { actionGeneric as action, mutationGeneric as mutation, queryGeneric as query } from "convex/server";
import { v } from "convex/values";
import type { ModuleSource, OpenStorage } from "trueup";
import { fn } from "../functions/references.js";

export interface Job {
  readonly _id: string;
  readonly name: string;
  readonly args: readonly unknown[];
  readonly scheduledTime: number;
  readonly completedTime?: number;
  readonly state: { readonly kind: string; readonly error?: string };
}

export interface JobsApp {
  readonly modules: Readonly<Record<string, ModuleSource>> & { run: Record<string, unknown> };
  /** What ran, in the order it ran. */
  readonly ran: readonly string[];
  /** Resolves once the slow action of this name runs, to what lets it go on. */
  readonly gate: (name: string) => Promise<() => void>;
}

const note = fn<"mutation">("run:note");

export function makeJobsApp(): JobsApp {
  const gates = new Map<string, () => void>();
  const ran: string[] = [];
  const run = {
    note: mutation({
      args: { text: v.string() },
      handler: async ({ db }, { text }) => {
        ran.push(text);
        await db.insert("notes", { text });
      },
    }),
    fail: mutation(async ({ db }) => {
      await db.insert("notes", { text: "lost" });
      throw new Error("job failed");
    }),
    chain: mutation({
      args: { left: v.number() },
      handler: async (ctx, { left }) => {
        await ctx.db.insert("notes", { text: `left ${left}` });
        if (left > 0) await ctx.scheduler.runAfter(0, fn<"mutation">("run:chain"), { left: left - 1 });
      },
    }),
    schedule: mutation({
      args: {
        name: v.string(),
        args: v.optional(v.any()),
        delay: v.optional(v.number()),
        fail: v.optional(v.boolean()),
      },
      handler: async (ctx, { name, args, delay, fail }) => {
        const id = await ctx.scheduler.runAfter(delay ?? 0, fn<"mutation">(`run:${name}`), args ?? {});
        if (fail) throw new Error("rolled back");
        return id;
      },
    }),
    at: mutation({
      args: { times: v.array(v.number()) },
      handler: async (ctx, { times }) => {
        for (const time of times) await ctx.scheduler.runAt(new Date(time), note, { text: `at ${time}` });
      },
    }),
    many: mutation({
      args: { count: v.number() },
      handler: async (ctx, { count }) => {
        for (let i = 0; i < count; i += 1) await ctx.scheduler.runAfter(0, note, { text: String(i) });
      },
    }),
    cancel: mutation({
      args: { id: v.string() },
      handler: (ctx, { id }) => ctx.scheduler.cancel(id as never),
    }),
    slow: action({
      args: { name: v.string() },
      handler: async (ctx, { name }) => {
        await new Promise<void>((resolve) => {
          gates.set(name, resolve);
        });
        await ctx.scheduler.runAfter(0, note, { text: `after ${name}` });
      },
    }),
    fromAction: action((ctx) => ctx.scheduler.runAfter(0, note, { text: "from action" })),
    whoami: mutation(async (ctx) => {
      const { scheduledFunctionId } = await ctx.meta.getRequestMetadata();
      const who = (await ctx.auth.getUserIdentity())?.subject ?? "nobody";
      await ctx.db.insert("notes", { text: `${who} ${typeof scheduledFunctionId}` });
    }),
    notes: query(async ({ db }) => (await db.query("notes").collect()).map((row) => row["text"])),
    jobs: query(({ db }) => db.system.query("_scheduled_functions").collect()),
    job: query({
      args: { id: v.string() },
      handler: ({ db }, { id }) => db.system.get("_scheduled_functions", id as never),
    }),
  };
  const gate = async (name: string): Promise<() => void> => {
    for (;;) {
      const open = gates.get(name);
      if (open !== undefined) return open;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  };
  return { modules: { run }, ran, gate };
}

/** A storage that outlives the backends on it: closing one leaves it open for the next. */
export function reopenable(open: OpenStorage): OpenStorage {
  const opened = open();
  return async () => {
    const storage = await opened;
    return new Proxy(storage, {
      get: (target, key) => {
        if (key === "close") return () => Promise.resolve();
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  };
}
