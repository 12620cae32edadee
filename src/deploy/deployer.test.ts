import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openBackend, sqlite, type Backend } from "../backend/index.js";
import {
  functionSource as fn,
  pushedModule as module,
  pushRequest as request,
  sourceHash,
  type HandMadePush,
  type PushedSource,
} from "../../suites/deploy/hand-made-push.js";

let folder = "";
let backend: Backend;

async function open(): Promise<Backend> {
  return await openBackend({
    storage: sqlite(join(folder, "data.sqlite"), { durability: "relaxed" }),
    codeFolder: join(folder, "code"),
    log: "silent",
    runScheduled: false,
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "trueup-deploy-"));
  backend = await open();
});
afterEach(async () => {
  await backend.close();
  rmSync(folder, { recursive: true });
});

/** All steps of a push, as the CLI makes them. */
async function push(of: HandMadePush): Promise<unknown> {
  const startPush = await backend.deploy.startPush(request(of));
  const { schemaChange } = startPush;
  const status = await backend.deploy.waitForSchema({ schemaChange, timeoutMs: 10_000 });
  expect(status).toEqual({ type: "complete" });
  return await backend.deploy.finishPush({ startPush, dryRun: of.dryRun ?? false, message: null });
}

async function call(path: string, args: object = {}): Promise<unknown> {
  const outcome = await backend.run({ path, args, allowInternal: true });
  if (outcome.status === "error") throw outcome.error;
  return outcome.value;
}

const version = (n: number): PushedSource =>
  module("app.js", `export const version = ${fn("Query", `return ${n};`)};`);

const schemaWith = (documentType: object): object => ({
  schemaValidation: true,
  tables: [{ tableName: "items", indexes: [{ indexDescriptor: "by_n", fields: ["n"] }], documentType }],
});
const number = { n: { fieldType: { type: "number" }, optional: false } };
const text = { n: { fieldType: { type: "string" }, optional: false } };
const items = module(
  "items.js",
  `export const add = ${fn("Mutation", 'return await ctx.db.insert("items", args);')};
   export const find = ${fn("Query", 'return (await ctx.db.query("items").withIndex("by_n", (q) => q.eq("n", args.n)).collect()).length;')};`,
);

test("a push runs from its last step on, and not before", async () => {
  await push({ modules: [version(1)] });
  const startPush = await backend.deploy.startPush(request({ modules: [version(2)] }));
  await backend.deploy.waitForSchema({ schemaChange: startPush.schemaChange, timeoutMs: 10_000 });
  expect(await call("app:version")).toBe(1);
  await backend.deploy.finishPush({ startPush, dryRun: false, message: "second" });
  expect(await call("app:version")).toBe(2);
});

test("what was begun and not finished is gone after a restart; what was finished is there", async () => {
  await push({ modules: [version(1)] });
  await backend.deploy.startPush(request({ modules: [version(2)] }));
  await backend.close();
  backend = await open();
  expect(await call("app:version")).toBe(1);
  expect((await backend.deploy.configHashes()).moduleHashes).toEqual([
    { path: "app.js", hash: sourceHash(version(1)), environment: "isolate" },
  ]);
});

test("modules that did not change are taken from what runs, by their hashes", async () => {
  await push({ modules: [version(1), items] });
  await push({ modules: [version(2)], unchanged: [items] });
  expect(await call("app:version")).toBe(2);
  await call("items:add", { n: 1 });
  await backend.close();
  backend = await open();
  await call("items:add", { n: 2 });
  const lost = { ...items, source: "// another source" };
  await expect(backend.deploy.startPush(request({ unchanged: [lost] }))).rejects.toMatchObject({
    code: "PUSH_OUTDATED",
  });
});

test("code that names the server's address is imported anew when a server listens elsewhere, and no other code is", async () => {
  const source = (begin: string): string =>
    `const at = ${begin}; let calls = 0;
     export const where = ${fn("Query", "return at;")};
     export const count = ${fn("Mutation", "return ++calls;")};`;
  const listenAt = async (address: string): Promise<void> => {
    vi.stubEnv("CONVEX_SITE_URL", address);
    await backend.deploy.updateAddresses();
  };
  const names = [module("app.js", source("process.env.CONVEX_SITE_URL"))];
  try {
    vi.stubEnv("CONVEX_SITE_URL", undefined);
    await push({ modules: names });
    await backend.close();
    backend = await open();
    expect(await call("app:where")).toBeNull();
    for (const address of ["https://one.example", "https://two.example"]) {
      await listenAt(address);
      expect(await call("app:where")).toBe(address);
    }
    expect(await call("app:count")).toBe(1);
    await listenAt("https://two.example");
    expect(await call("app:count")).toBe(2);
    await push({ modules: [module("app.js", source("null"))] });
    expect(await call("app:count")).toBe(1);
    await listenAt("https://three.example");
    expect(await call("app:count")).toBe(2);
  } finally {
    vi.unstubAllEnvs();
  }
});

test("of two pushes that were begun together, the one that finishes second is refused", async () => {
  const [first, second] = [
    await backend.deploy.startPush(request({ modules: [version(1)] })),
    await backend.deploy.startPush(request({ modules: [version(2)] })),
  ];
  await backend.deploy.finishPush({ startPush: first, dryRun: false, message: null });
  await expect(
    backend.deploy.finishPush({ startPush: second, dryRun: false, message: null }),
  ).rejects.toMatchObject({ code: "PUSH_OUTDATED", retryable: true });
  expect(await call("app:version")).toBe(1);
});

test("a push that was finished, or that nobody knows, cannot be finished", async () => {
  const startPush = await backend.deploy.startPush(request({ modules: [version(1)] }));
  const finish = (): Promise<unknown> =>
    backend.deploy.finishPush({ startPush, dryRun: false, message: null });
  await finish();
  await expect(finish()).rejects.toMatchObject({ code: "PUSH_OUTDATED" });
  await expect(backend.deploy.finishPush({})).rejects.toMatchObject({ code: "INVALID_REQUEST" });
});

test("a dry run says what would change, and changes nothing", async () => {
  await push({ modules: [version(1)] });
  const diff = await push({
    modules: [version(2), items],
    schema: schemaWith({ type: "any" }),
    dryRun: true,
  });
  expect(diff).toMatchObject({
    componentDiffs: {
      "": {
        moduleDiff: { added: ["app.js", "items.js"], removed: ["app.js"] },
        indexDiff: { added_indexes: [{ name: "items.by_n" }] },
      },
    },
  });
  expect(await call("app:version")).toBe(1);
});

test("indexes are built for the documents that are there, before the code that uses them runs", async () => {
  await push({ modules: [items] });
  for (let n = 0; n < 50; n++) await call("items:add", { n: n % 5 });
  await expect(call("items:find", { n: 3 })).rejects.toMatchObject({ code: "INDEX_NOT_FOUND" });
  await push({ modules: [items], schema: schemaWith({ type: "object", value: number }) });
  expect(await call("items:find", { n: 3 })).toBe(10);
});

test("documents that do not fit refuse the schema, all of them counted, and the old code runs on", async () => {
  await push({ modules: [version(1), items], schema: schemaWith({ type: "object", value: number }) });
  for (let n = 0; n < 30; n++) await call("items:add", { n });
  const next = { modules: [version(2), items], schema: schemaWith({ type: "object", value: text }) };
  const startPush = await backend.deploy.startPush(request(next));
  const status = await backend.deploy.waitForSchema({
    schemaChange: startPush.schemaChange,
    timeoutMs: 10_000,
  });
  expect(status).toMatchObject({
    type: "failed",
    tableName: "items",
    error: expect.stringContaining("30 documents"),
  });
  await expect(backend.deploy.finishPush({ startPush, dryRun: false, message: null })).rejects.toMatchObject({
    code: "SCHEMA_NOT_SATISFIED",
  });
  expect(await call("app:version")).toBe(1);
  await expect(call("items:add", { n: "text" })).rejects.toMatchObject({ code: "SCHEMA_VIOLATION" });
});

test("a document written between the check and the last step refuses the push, all or nothing", async () => {
  await push({ modules: [version(1), items] });
  const next = { modules: [version(2), items], schema: schemaWith({ type: "object", value: text }) };
  const startPush = await backend.deploy.startPush(request(next));
  await backend.deploy.waitForSchema({ schemaChange: startPush.schemaChange, timeoutMs: 10_000 });
  await call("items:add", { n: 1 });
  await expect(backend.deploy.finishPush({ startPush, dryRun: false, message: null })).rejects.toMatchObject({
    code: "SCHEMA_NOT_SATISFIED",
  });
  expect(await call("app:version")).toBe(1);
  await call("items:add", { n: 2 });
});

test.each([
  ["throws", module("bad.js", 'throw new Error("no luck");'), "MODULE_FAILED"],
  ["does not parse", module("bad.js", "export const ="), "MODULE_FAILED"],
  ["imports what is not there", module("bad.js", 'import "not-a-package";'), "MODULE_FAILED"],
  [
    "asks for Node and holds a query",
    module("bad.js", `"use node"; export const q = ${fn("Query", "")};`, "node"),
    "INVALID_FUNCTION",
  ],
  [
    "is a cron job without function",
    module(
      "crons.js",
      'export default { isCrons: true, export: () => JSON.stringify({ job: { name: "app:nope", args: [{}], schedule: { type: "hourly", minuteUTC: 0 } } }) };',
    ),
    "FUNCTION_NOT_FOUND",
  ],
])("a module that %s ends the push at its first step", async (_what, bad, code) => {
  await push({ modules: [version(1)] });
  await expect(backend.deploy.startPush(request({ modules: [version(2), bad] }))).rejects.toMatchObject({
    code,
  });
  expect(await call("app:version")).toBe(1);
});

test("a schema that is none is refused with its problems", async () => {
  const schema = {
    schemaValidation: true,
    tables: [{ tableName: "not a name", indexes: [], documentType: { type: "any" } }],
  };
  await expect(backend.deploy.startPush(request({ schema }))).rejects.toMatchObject({
    code: "INVALID_SCHEMA",
  });
});

test("what a schema would do to the data is told before anything is pushed", async () => {
  await push({ modules: [items], schema: schemaWith({ type: "object", value: number }) });
  for (let n = 0; n < 3; n++) await call("items:add", { n });
  const evaluate = (type: object): Promise<unknown> =>
    backend.deploy.evaluateSchema(request({ modules: [items], schema: schemaWith(type) }));
  expect(await evaluate({ type: "object", value: number })).toMatchObject({
    newComponentDefinitions: [],
    componentSchemaEvaluations: {
      "": {
        schemaValidation: true,
        tables: [{ name: "items", outcome: "supersetOfEnforced", numDocs: 3, sizeBytes: expect.any(Number) }],
        indexes: [
          { name: "items.by_n", type: "database", change: "identical", needsBackfill: false, numDocs: 3 },
        ],
      },
    },
  });
  expect(await evaluate({ type: "object", value: text })).toMatchObject({
    componentSchemaEvaluations: { "": { tables: [{ outcome: "mustWalk" }] } },
  });
});

test("environment variables reach functions and modules at once, and outlive a restart", async () => {
  const source = `const atImport = process.env.LEVEL; export const level = ${fn("Query", "return [atImport ?? null, process.env.LEVEL ?? null];")};`;
  await push({ modules: [module("env.js", source)] });
  expect(await call("env:level")).toEqual([null, null]);
  await backend.deploy.updateEnvironment([{ name: "LEVEL", value: "high" }]);
  expect(await call("env:level")).toEqual(["high", "high"]);
  await backend.close();
  backend = await open();
  expect(await call("env:level")).toEqual(["high", "high"]);
  await backend.deploy.updateEnvironment([{ name: "LEVEL", value: null }]);
  expect(await call("env:level")).toEqual([null, null]);
});

test("an environment that changes during a push refuses it", async () => {
  const startPush = await backend.deploy.startPush(request({ modules: [version(1)] }));
  await backend.deploy.updateEnvironment([{ name: "LEVEL", value: "high" }]);
  await expect(backend.deploy.finishPush({ startPush, dryRun: false, message: null })).rejects.toMatchObject({
    code: "PUSH_OUTDATED",
  });
});

test("whoever listens is told when other code has begun to run", async () => {
  let told = 0;
  const stop = backend.deploy.onActivated(() => (told += 1));
  await push({ modules: [version(1)] });
  await push({ modules: [version(2)], dryRun: true });
  expect(told).toBe(1);
  await backend.deploy.updateEnvironment([{ name: "LEVEL", value: "high" }]);
  expect(told).toBe(2);
  stop();
  await push({ modules: [version(3)] });
  expect(told).toBe(2);
});
