import { readAll } from "../database/index.js";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBackend, sqlite, type Backend } from "../backend/index.js";
import {
  functionSource as fn,
  pushedModule as module,
  pushRequest as request,
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
  });
}

async function reopen(): Promise<void> {
  await backend.close();
  backend = await open();
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "trueup-deploy-"));
  backend = await open();
});
afterEach(async () => {
  await backend.close();
  rmSync(folder, { recursive: true });
});

interface Begun {
  readonly startPush: Awaited<ReturnType<Backend["deploy"]["startPush"]>>;
  readonly status: Awaited<ReturnType<Backend["deploy"]["waitForSchema"]>>;
}

async function begin(of: HandMadePush): Promise<Begun> {
  const startPush = await backend.deploy.startPush(request(of));
  const { schemaChange } = startPush;
  return { startPush, status: await backend.deploy.waitForSchema({ schemaChange, timeoutMs: 10_000 }) };
}

async function push(of: HandMadePush): Promise<void> {
  const { startPush, status } = await begin(of);
  expect(status).toEqual({ type: "complete" });
  await backend.deploy.finishPush({ startPush, dryRun: false, message: null });
}

/** The same, but nothing is written through behind it until the backend is opened again. */
async function pushAndLag(of: HandMadePush): Promise<void> {
  const { startPush, status } = await begin(of);
  expect(status).toEqual({ type: "complete" });
  await backend.database.background.stop();
  await backend.deploy.finishPush({ startPush, dryRun: false, message: null });
}

async function call(path: string, args: object = {}): Promise<unknown> {
  const outcome = await backend.run({ path, args, allowInternal: true });
  if (outcome.status === "error") throw outcome.error;
  return outcome.value;
}

/** Transforms that names and what they do; `m:name`. */
function transforms(of: Readonly<Record<string, string>>): PushedSource {
  const exported = Object.entries(of).map(
    ([name, parts]) =>
      `export const ${name} = { [Symbol.for("trueup.transform")]: { kind: "transform", table: "items", requires: [], ${parts} } };`,
  );
  return module("m.js", exported.join("\n"));
}

const items = module(
  "items.js",
  `export const add = ${fn("Mutation", 'for (let n = args.from; n < args.to; n++) await ctx.db.insert("items", { [args.field ?? "n"]: args.field === "t" ? String(n) : n });')};
   export const first = ${fn("Query", 'const { _id, _creationTime, ...fields } = await ctx.db.query("items").first(); return fields;')};
   export const count = ${fn("Query", 'return (await ctx.db.query("items").withIndex(args.index, (q) => q.gte(args.field, args.value)).take(8000)).length;')};`,
);
const schemaOf = (field: string, type: string): object => ({
  schemaValidation: true,
  tables: [
    {
      tableName: "items",
      indexes: [{ indexDescriptor: `by_${field}`, fields: [field] }],
      documentType: { type: "object", value: { [field]: { fieldType: { type }, optional: false } } },
    },
  ],
});

const numbers: HandMadePush = { modules: [items], schema: schemaOf("n", "number") };
const toText =
  "up: ({ n, ...rest }) => ({ ...rest, t: String(n) }), down: ({ t, ...rest }) => ({ ...rest, n: Number(t) })";
const waiver = module(
  "w.js",
  'export const w = { [Symbol.for("trueup.waiver")]: { waivers: ["drop-field:items.n", "drop-field:items.t"] } };',
);
const texts: HandMadePush = {
  modules: [items, waiver, transforms({ toText })],
  schema: schemaOf("t", "string"),
};

async function withDocuments(count: number): Promise<void> {
  await push(numbers);
  for (let from = 0; from < count; from += 1_000) {
    await call("items:add", { from, to: Math.min(from + 1_000, count) });
  }
}

async function lagging(): Promise<string[]> {
  return (await backend.schemaChanges()).transforms.map(({ name, state }) => `${name} ${state}`);
}

test("a push brings its transform: the new code never meets an old document, also after a restart", async () => {
  await withDocuments(300);
  await pushAndLag(texts);
  for (let times = 0; times < 2; times++) {
    expect(await call("items:first")).toEqual({ t: "0" });
    expect(await call("items:count", { index: "by_t", field: "t", value: "" })).toBe(300);
    expect(await lagging()).toEqual(times === 0 ? ["m:toText lagging"] : expect.anything());
    await reopen();
  }
  await backend.database.background.whenIdle();
  expect(await lagging()).toEqual([]);
  expect(await call("items:count", { index: "by_t", field: "t", value: "" })).toBe(300);
});

test("a push whose code is lost while documents need its transform is told of, and no other passes for it", async () => {
  await withDocuments(300);
  await pushAndLag(texts);
  await backend.database.mutate(async (tx) => {
    const pieces = await readAll(tx.system(""), "_pushed_texts");
    for (const { _id } of pieces) await tx.system("").delete(_id, "_pushed_texts");
  });
  await reopen();
  expect(backend.deploy.losses.map(({ code }) => code)).toEqual(["STORAGE_CORRUPT", "TRANSFORM_MISSING"]);
  for (const next of [texts, numbers]) {
    const startPush = await backend.deploy.startPush(request(next));
    await expect(
      backend.deploy.finishPush({ startPush, dryRun: false, message: null }),
    ).rejects.toMatchObject({
      code: "TRANSFORM_MISSING",
      message: expect.stringMatching(/stored code of its push \S+ is damaged or lost.*restore a backup/),
    });
  }
  expect(await lagging()).toEqual(["m:toText lagging"]);
});

test("documents that lag find the transform of a program that runs no more, also after a restart", async () => {
  await withDocuments(300);
  await pushAndLag(texts);
  // The next one has another transform under the same name.
  const other = { ...texts, modules: [items, waiver, transforms({ toText: "up: () => ({ t: 'wrong' })" })] };
  await push(other);
  expect(await lagging()).toEqual(["m:toText lagging"]);
  await reopen();
  expect(await call("items:count", { index: "by_t", field: "t", value: "" })).toBe(300);
  expect(await call("items:first")).toEqual({ t: "0" });
  await backend.database.background.whenIdle();
  expect(await call("items:first")).toEqual({ t: "0" });
  await push(texts);
  expect(await call("items:first")).toEqual({ t: "0" });
});

test("the code before is pushed again while documents lag, and finds them as they were", async () => {
  await withDocuments(300);
  await pushAndLag(texts);
  await call("items:add", { from: 300, to: 301, field: "t" });
  await reopen();
  await pushAndLag(numbers);
  for (let times = 0; times < 2; times++) {
    expect(await call("items:count", { index: "by_n", field: "n", value: 0 })).toBe(301);
    await reopen();
  }
  await backend.database.background.whenIdle();
  expect(await lagging()).toEqual([]);
  expect(await call("items:first")).toEqual({ n: 0 });
});

test("a refused push tells the CLI everything: documents by violation, the rehearsal's ids, the plan", async () => {
  await withDocuments(20);
  const plain = await begin({ modules: [items], schema: schemaOf("t", "string") });
  expect(plain.status).toMatchObject({ type: "failed", componentPath: "", tableName: "items" });
  const error = "error" in plain.status ? plain.status.error : "";
  expect(error).toContain("20 documents do not match the schema, in 2 ways");
  expect(error).toContain('"drop-field:items.n",');
  expect(error).toContain("The plan");
  expect(error).toContain("In one deploy, on Trueup");
  const failing = transforms({
    toText: 'up: ({ n }) => { if (n === 7) throw new Error("seven"); return { t: String(n) }; }',
  });
  const refused = await begin({ ...texts, modules: [items, waiver, failing] });
  expect(refused.status).toMatchObject({
    type: "failed",
    error: expect.stringMatching(/Rehearsal of m:toText failed on 1 document of 20[^]*seven/),
  });
  expect(await call("items:first")).toEqual({ n: 0 });
});

test("writes between the rehearsal and the last step are carried over, or refuse the push", async () => {
  await withDocuments(10);
  const good = await begin(texts);
  await call("items:add", { from: 10, to: 15 });
  const picky = transforms({
    toText: 'up: ({ n }) => { if (n > 50) throw new Error("too large"); return { t: String(n) }; }',
  });
  await backend.deploy.finishPush({ startPush: good.startPush, dryRun: false, message: null });
  expect(await call("items:count", { index: "by_t", field: "t", value: "" })).toBe(15);
  await push(numbers);
  const late = await begin({ ...texts, modules: [items, waiver, picky] });
  expect(late.status).toEqual({ type: "complete" });
  await call("items:add", { from: 100, to: 101 });
  await expect(
    backend.deploy.finishPush({ startPush: late.startPush, dryRun: false, message: null }),
  ).rejects.toMatchObject({ code: "TRANSFORM_FAILED" });
  expect(await call("items:count", { index: "by_n", field: "n", value: 0 })).toBe(16);
});

test("of two pushes that both bring a transform, the one prepared last is finished, and the other refused", async () => {
  await withDocuments(10);
  const first = await begin(texts);
  const second = await begin(texts);
  const finish = ({ startPush }: Begun): Promise<unknown> =>
    backend.deploy.finishPush({ startPush, dryRun: false, message: null });
  await expect(finish(first)).rejects.toMatchObject({ code: "PUSH_OUTDATED", retryable: true });
  expect(await call("items:first")).toEqual({ n: 0 });
  await finish(second);
  expect(await call("items:count", { index: "by_t", field: "t", value: "" })).toBe(10);
});

test("a push that another one has forgotten leaves nothing prepared behind", async () => {
  await withDocuments(10);
  await begin(texts);
  expect(await lagging()).toEqual(["m:toText prepared"]);
  for (let n = 0; n < 4; n++) await backend.deploy.startPush(request(numbers));
  await expect.poll(() => lagging()).toEqual([]);
});

test("a dry run rehearses, and prepares nothing", async () => {
  await withDocuments(10);
  const { status } = await begin({ ...texts, dryRun: true });
  expect(status).toEqual({ type: "complete" });
  expect(await lagging()).toEqual([]);
});

test("what was prepared when the process ended is begun anew", async () => {
  await withDocuments(10);
  await begin(texts);
  await reopen();
  expect(await lagging()).toEqual([]);
  await call("items:add", { from: 10, to: 12 });
  await push(texts);
  expect(await call("items:count", { index: "by_t", field: "t", value: "" })).toBe(12);
});

test("environment variables change while documents lag, and the transforms stay", async () => {
  await withDocuments(300);
  await pushAndLag(texts);
  await backend.deploy.updateEnvironment([{ name: "LEVEL", value: "high" }]);
  expect(await call("items:count", { index: "by_t", field: "t", value: "" })).toBe(300);
  await push({ ...texts, modules: [items, waiver] });
  expect(await lagging()).toEqual(["m:toText lagging"]);
  expect(await call("items:count", { index: "by_t", field: "t", value: "" })).toBe(300);
});
