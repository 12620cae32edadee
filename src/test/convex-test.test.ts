import {
  anyApi,
  componentsGeneric,
  defineSchema,
  defineTable,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { Triggers } from "trueup/triggers";
import { expect, test, vi } from "vitest";
import { convexTest } from "./index.js";

const schema = defineSchema({
  notes: defineTable({ text: v.string() }),
  log: defineTable({ entry: v.string() }),
});

const generated = { "./_generated/api.js": () => Promise.resolve({}) };
const glob = (modules: Record<string, Record<string, unknown>>) => ({
  ...generated,
  ...Object.fromEntries(
    Object.entries(modules).map(([path, module]) => [`./${path}.ts`, () => Promise.resolve(module)]),
  ),
});

test("modules are imported when a function of theirs is first called, and no others", async () => {
  const imported: string[] = [];
  const t = convexTest(schema, {
    ...generated,
    "./a.ts": () => {
      imported.push("a");
      return Promise.resolve({ list: queryGeneric(() => Promise.resolve(1)) });
    },
    "./broken.ts": () => Promise.reject(new Error("no API key")),
    "./endless.ts": () => new Promise<never>(() => {}),
  });
  await t.run((ctx) => ctx.db.insert("notes", { text: "x" }));
  expect(imported).toEqual([]);
  expect(await t.query(anyApi["a"]!["list"]!)).toBe(1);
  expect(imported).toEqual(["a"]);
  await expect(t.query(anyApi["broken"]!["list"]!)).rejects.toMatchObject({ code: "MODULE_FAILED" });
});

const triggers = new Triggers();
triggers.register("notes", async (ctx, change) => {
  await ctx.db.insert("log", { entry: change.operation });
});
const triggered = {
  notes: {
    triggers,
    add: mutationGeneric(async (ctx) => {
      await triggers.wrapDB(ctx).db.insert("notes", { text: "wrapped" });
    }),
  },
};
const logged = queryGeneric(async (ctx) => (await ctx.db.query("log").collect()).length);

test("triggers run where functions wrap db; with enforceTriggers on every write, once", async () => {
  const modules = glob({ ...triggered, log: { logged } });
  for (const [enforceTriggers, expected] of [
    [false, 1],
    [true, 2],
  ] as const) {
    const t = convexTest({ schema, modules, enforceTriggers });
    await t.run((ctx) => ctx.db.insert("notes", { text: "direct" }));
    await t.mutation(anyApi["notes"]!["add"]!);
    expect(await t.query(anyApi["log"]!["logged"]!)).toBe(expected);
  }
});

test("the data of a ConvexError may hold every Convex value, also through nested calls", async () => {
  const data = { big: 1n, bytes: new ArrayBuffer(2), nan: NaN };
  const modules = glob({
    app: {
      fail: internalMutationGeneric(() => {
        throw new ConvexError(data);
      }),
      catches: mutationGeneric(async (ctx): Promise<unknown> => {
        try {
          await ctx.runMutation(anyApi["app"]!["fail"]!, {});
        } catch (error) {
          return error instanceof ConvexError ? error.data : null;
        }
        return null;
      }),
    },
  });
  const t = convexTest(schema, modules);
  expect(await t.mutation(anyApi["app"]!["catches"]!)).toEqual(data);
});

test("a job's document says when it ended and why it failed, as Convex's does", async () => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
  try {
    const t = convexTest(
      schema,
      glob({ jobs: { fail: internalMutationGeneric(() => Promise.reject(new Error("broken"))) } }),
    );
    await t.run((ctx) => ctx.scheduler.runAfter(1000, anyApi["jobs"]!["fail"]!, {}));
    await t.finishAllScheduledFunctions(vi.runAllTimers);
    const [job] = await t.run((ctx) => ctx.db.system.query("_scheduled_functions").collect());
    expect(job?.completedTime).toBe(Date.now());
    expect(job?.state).toEqual({ kind: "failed", error: expect.stringContaining("broken") as string });
  } finally {
    vi.restoreAllMocks();
    vi.useRealTimers();
  }
});

test("a schema that Convex would not take is refused at once", () => {
  expect(() => convexTest(defineSchema({ "bad name": defineTable({}) }))).toThrow(
    expect.objectContaining({ code: "INVALID_SCHEMA" }),
  );
});

test("a cursor belongs to its query, and a component paginates, too", async () => {
  const t = convexTest(schema, generated);
  await t.run(async (ctx) => {
    await ctx.db.insert("notes", { text: "a" });
    await ctx.db.insert("notes", { text: "b" });
  });
  const opts = { numItems: 1, cursor: null };
  const { continueCursor } = await t.query((ctx) => ctx.db.query("notes").paginate(opts));
  const elsewhere = t.query((ctx) => ctx.db.query("log").paginate({ numItems: 1, cursor: continueCursor }));
  await expect(elsewhere).rejects.toMatchObject({ code: "INVALID_CURSOR" });

  const paginate = queryGeneric((ctx) => ctx.db.query("notes").paginate(opts));
  t.registerComponent("inner", schema, glob({ lib: { paginate } }));
  const page = await t.query(componentsGeneric()["inner"]!["lib"]!["paginate"]!);
  expect(page).toMatchObject({ page: [], isDone: true });
});
