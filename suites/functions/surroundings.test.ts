import type * as AsyncHooks from "node:async_hooks";
import { actionGeneric as action, mutationGeneric as mutation, queryGeneric as query } from "convex/server";
import { expect, test } from "vitest";
import type { LogEntry } from "trueup";
import { call, openApp } from "../setup/open-app.js";
import { fn } from "./references.js";

test("what functions write to the console is captured in order, with levels, and goes to the sink", async () => {
  const write = mutation(async (ctx) => {
    console.log("hello", { a: 1 });
    console.warn(3n);
    await ctx.runQuery(fn<"query">("run:nested"), {});
    await Promise.resolve().then(() => console.error("later"));
  });
  const nested = query(() => console.debug("nested"));
  const many = query(() => {
    for (let i = 0; i < 1000; i += 1) console.log(i);
  });
  const entries: LogEntry[] = [];
  const lines: string[] = [];
  const app = await openApp("memory", {
    modules: { run: { write, nested, many } },
    log: (line, entry) => {
      lines.push(line);
      entries.push(entry);
    },
  });
  const outcome = await app.run({ path: "run:write", allowInternal: true });
  expect(outcome.logLines).toEqual([
    "[LOG] 'hello' { a: 1 }",
    "[WARN] 3n",
    "[DEBUG] 'nested'",
    "[ERROR] 'later'",
  ]);
  expect(lines[0]).toBe("[LOG] run:write 'hello' { a: 1 }");
  expect(entries[2]).toMatchObject({
    level: "DEBUG",
    functionPath: "run:nested",
    componentPath: "",
    args: ["nested"],
  });
  expect((await app.run({ path: "run:many", allowInternal: true })).logLines).toHaveLength(257);
});

test("timers are a call's own and tell whole milliseconds as on Convex, and groups indent nobody's lines", async () => {
  const timed = query(async () => {
    console.time("load");
    console.time("load");
    console.time();
    await Promise.resolve();
    console.timeLog("load", { rows: 3 });
    console.timeEnd("load");
    console.timeEnd("load");
    console.timeEnd();
    console.group("inside", 1);
    console.groupCollapsed();
    console.log("more");
    console.groupEnd();
  });
  const forgotten = query(() => console.timeEnd("of another call"));
  const begin = query(() => console.time("of another call"));
  const app = await openApp("memory", { modules: { run: { timed, begin, forgotten } } });
  const lines = async (path: string): Promise<readonly string[]> =>
    (await app.run({ path, allowInternal: true })).logLines.map((line) => line.replace(/\d+ms/, "Nms"));
  expect(await lines("run:timed")).toEqual([
    "[WARN] Timer 'load' already exists",
    "[INFO] load: Nms { rows: 3 }",
    "[INFO] load: Nms",
    "[WARN] Timer 'load' does not exist",
    "[INFO] default: Nms",
    "[LOG] 'inside' 1",
    "[LOG] 'more'",
  ]);
  expect(await lines("run:begin")).toEqual([]);
  expect(await lines("run:forgotten")).toEqual(["[WARN] Timer 'of another call' does not exist"]);
});

test("a function knows itself, its transaction, the deployment and the request", async () => {
  const meta = mutation(async (ctx) => {
    await ctx.db.insert("rows", {});
    return {
      self: await ctx.meta.getFunctionMetadata(),
      metrics: await ctx.meta.getTransactionMetrics(),
      deployment: await ctx.meta.getDeploymentMetadata(),
      request: await ctx.meta.getRequestMetadata(),
    };
  });
  const app = await openApp("memory", { modules: { run: { meta } } });
  expect(await call(app, "run:meta", {}, { requestId: "r1", ip: "::1" })).toEqual({
    self: { name: "run:meta", componentPath: "", type: "mutation", visibility: "public" },
    metrics: expect.objectContaining({
      documentsWritten: { used: 1, remaining: 15_999 },
      filesRead: { used: 0, remaining: 0 },
    }),
    deployment: { name: "trueup", region: null, class: "s16" },
    request: { requestId: "r1", ip: "::1", userAgent: null, scheduledFunctionId: null, authToken: null },
  });
});

test("features that are not there say so by name", async () => {
  const storage = mutation((ctx) => ctx.storage.generateUploadUrl());
  const search = query((ctx) =>
    ctx.db
      .query("rows")
      .withSearchIndex("s", (q) => q.search("a", "b"))
      .collect(),
  );
  const vector = action((ctx) => ctx.vectorSearch("rows", "v", { vector: [1] }));
  const app = await openApp("memory", { modules: { run: { storage, search, vector } } });
  const features = { storage: "storage.generateUploadUrl", search: "Text search", vector: "Vector search" };
  for (const [name, feature] of Object.entries(features)) {
    await expect(call(app, `run:${name}`)).rejects.toMatchObject({
      code: "FEATURE_NOT_SUPPORTED",
      message: expect.stringContaining(feature),
    });
  }
});

test("env is seen in process.env by functions, and by modules while they are imported, only", async () => {
  const app = await openApp("memory", {
    env: { TRUEUP_TEST_SECRET: "s3cret" },
    modules: {
      run: {
        secret: query(() => [process.env["TRUEUP_TEST_SECRET"] ?? null, process.env["PATH"] === undefined]),
      },
      imported: async () => {
        await Promise.resolve();
        const atImport = process.env["TRUEUP_TEST_SECRET"] ?? null;
        return { secret: query(() => atImport) };
      },
    },
  });
  expect(await call(app, "run:secret")).toEqual(["s3cret", false]);
  expect(await call(app, "imported:secret")).toBe("s3cret");
  expect(process.env["TRUEUP_TEST_SECRET"]).toBeUndefined();
});

test("the globals that the official CLI bundles in the place of async_hooks are there, and keep to their call", async () => {
  const keep = query(async (_ctx, { value }: { value: string }) => {
    const { AsyncLocalStorage: Storage } = globalThis as unknown as typeof AsyncHooks;
    const kept = new Storage<string>();
    return await kept.run(value, async () => {
      await Promise.resolve();
      return kept.getStore();
    });
  });
  const app = await openApp("memory", { modules: { run: { keep } } });
  const values = ["a", "b"].map(async (value) => await call(app, "run:keep", { value }));
  expect(await Promise.all(values)).toEqual(["a", "b"]);
});
