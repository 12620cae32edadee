/** Transforms that are no functions of their document are refused when their code is pushed, however still their state holds. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mutationGeneric } from "convex/server";
import { memory, openBackend, programFromModules, type Backend, type ProgramSource } from "trueup";
import { afterEach, beforeEach, expect, test } from "vitest";
import { functionSource, pushedModule, pushRequest, type PushedSource } from "./hand-made-push.js";

let folder = "";
let backend: Backend;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "trueup-impure-"));
  backend = await openBackend({
    storage: memory(),
    codeFolder: join(folder, "code"),
    log: "silent",
    runScheduled: false,
  });
});
afterEach(async () => {
  await backend.close();
  rmSync(folder, { recursive: true });
});

const schema = {
  schemaValidation: true,
  tables: [
    {
      tableName: "items",
      indexes: [{ indexDescriptor: "by_m", fields: ["m"] }],
      documentType: {
        type: "object",
        value: {
          n: { fieldType: { type: "number" }, optional: false },
          key: { fieldType: { type: "string" }, optional: false },
          m: { fieldType: { type: "any" }, optional: true },
        },
      },
    },
  ],
};
const items = pushedModule(
  "items.js",
  `export const add = ${functionSource("Mutation", 'return await ctx.db.insert("items", args);')};`,
);

/** A module that exports a transform. @param top What stands before it. @param m What `up` makes of `doc`. */
function transforming(top: string, m: string): PushedSource[] {
  const source = `${top}
    const up = (doc) => ({ ...doc, m: ${m} });
    export const change = { [Symbol.for("trueup.transform")]: { kind: "transform", table: "items", up, requires: [] } };`;
  return [items, pushedModule("changes.js", source)];
}

async function push(modules: readonly PushedSource[]): Promise<unknown> {
  const startPush = await backend.deploy.startPush(pushRequest({ modules, schema }));
  return await backend.deploy.waitForSchema({ schemaChange: startPush.schemaChange, timeoutMs: 20_000 });
}

/** How the push of a transform ends with these documents. */
async function pushed(modules: readonly PushedSource[], numbers: readonly number[]): Promise<unknown> {
  const startPush = await backend.deploy.startPush(pushRequest({ modules: [items], schema }));
  await backend.deploy.waitForSchema({ schemaChange: startPush.schemaChange, timeoutMs: 20_000 });
  await backend.deploy.finishPush({ startPush, dryRun: false, message: null });
  for (const n of numbers) {
    const args = { n, key: `k${n % 2}` };
    const outcome = await backend.run({ path: "items:add", args, allowInternal: true });
    expect(outcome.status).toBe("success");
  }
  return await push(modules);
}

const one = [5];
const many = Array.from({ length: 450 }, (_, n) => n + 1);

test.each<[string, string, string, readonly number[]]>([
  ["a counter in a helper", "let count = 0; const next = () => ++count;", "next()", one],
  ["a counter in a helper", "let count = 0; const next = () => ++count;", "next()", many],
  [
    "a slow counter in a helper",
    "let count = 0; const next = () => Math.floor(++count / 1000);",
    "next()",
    many,
  ],
  ["a helper's first document", "let base; const from = (n) => n - (base ??= n);", "from(doc.n)", one],
  ["a helper's first document", "let base; const from = (n) => n - (base ??= n);", "from(doc.n)", many],
  [
    "the first letter of a helper's first document",
    "const texts = []; const first = (text) => { if (texts.length === 0) texts.push(text); return texts[0]; };",
    "first(doc.key)[0]",
    many,
  ],
  [
    "the length of a helper's first document",
    "const texts = []; const first = (text) => { if (texts.length === 0) texts.push(text); return texts[0]; };",
    "first(doc.key + (doc.n < 450 ? '~' : '')).length",
    many,
  ],
  [
    "a cache by what is not the whole document",
    "const cache = new Map(); const known = (doc) => { if (!cache.has(doc.key)) cache.set(doc.key, doc.n); return cache.get(doc.key); };",
    "known(doc)",
    many,
  ],
  ["what was seen before", "const seen = new Set();", "seen.add(doc.n).size", many],
  ["a random constant", "const salt = Math.random();", "salt", one],
  ["the time of the import", "const since = Date.now();", "since", one],
  ["the day of the import", "const today = new Date().toISOString().slice(0, 10);", "today", one],
  ["the environment at the import", "const home = process.env.HOME;", "home ?? 0", one],
])("%s is refused (%s, %s)", async (_what, top, m, numbers) => {
  process.env["HOME"] ??= "/";
  const status = { type: "failed", error: expect.stringContaining("(impure)") };
  expect(await pushed(transforming(top, m), numbers)).toMatchObject(status);
  // An instance that has run before does no better.
  expect(await push(transforming(top, m))).toMatchObject(status);
});

test.each<[string, string, string]>([
  ["a counter", "let count = 0;", "++count"],
  ["the first document", "let base;", "doc.n - (base ??= doc.n)"],
  ["a cache in an object", "const cache = {};", "(cache[doc.key] ??= doc.n)"],
])(
  "%s in a variable around `up` is refused before anything is tried, by the variable's name",
  async (...test) => {
    const [, top, m] = test;
    expect(await pushed(transforming(top, m), one)).toMatchObject({
      type: "failed",
      error: expect.stringMatching(
        /`up` of changes:change writes `(count|base|cache)`, which outlives its document/,
      ),
    });
  },
);

test("the same goes for modules that are not pushed, of which no other instance can be made", async () => {
  let first: unknown;
  const up = (document: { n: number }) => ({ ...document, m: document.n - Number((first ??= document.n)) });
  const change = {
    [Symbol.for("trueup.transform")]: { kind: "transform", table: "items", up, requires: [] },
  };
  const add = mutationGeneric((ctx, args: { n?: number }) => ctx.db.insert("items", args));
  const open = async (modules: ProgramSource["modules"]): Promise<void> => {
    await backend.activate(await programFromModules({ modules }));
  };
  await open({ "./convex/items.ts": { add } });
  await backend.run({ path: "items:add", args: { n: 1 }, allowInternal: true });
  await expect(
    open({ "./convex/items.ts": { add }, "./convex/changes.ts": { change } }),
  ).rejects.toMatchObject({
    code: "TRANSFORM_INVALID",
    details: { name: "changes:change", direction: "up", variables: ["first"] },
  });
});

test.each<[string, string, string]>([
  ["a constant table", "const names = { k0: 'even', k1: 'odd' };", "names[doc.key]"],
  [
    "a memory of the same",
    "const memory = new Map(); const of = (n) => memory.get(n) ?? (memory.set(n, n * 2), n * 2);",
    "of(doc.n)",
  ],
  ["a time of the document", "", "new Date(doc._creationTime).toISOString()"],
  [
    "a module that does not bear another environment",
    "if (process.env.TRUEUP_TEST_HOME.endsWith('0')) throw new Error('no');",
    "1",
  ],
])("%s is none of it", async (_what, top, m) => {
  process.env["TRUEUP_TEST_HOME"] = "/";
  expect(await pushed(transforming(top, m), many)).toEqual({ type: "complete" });
});
