/** Damages the pushed code by direct SQL: the app opens without it, a repair takes it away, a deploy brings it back. */
import { expect, test } from "vitest";
import { checkFile, openBackend, sqlite, type Backend } from "trueup";
import type { SqliteConnection } from "../../src/storage/sqlite/driver/driver.js";
import { loadDriver } from "../../src/storage/sqlite/driver/load-driver.js";
import { unseal } from "../../src/storage/sqlite/damage/seal.js";
import { functionSource as fn, pushedModule, pushRequest } from "./hand-made-push.js";
import { call } from "../setup/open-app.js";
import { temporaryFolder } from "../setup/temporary-folder.js";

const inFolder = temporaryFolder();
let files = 0;

const filler = `/* ${"0123456789".repeat(50_000)} */`;
const items = pushedModule(
  "items.js",
  `export const add = ${fn("Mutation", 'return await ctx.db.insert("items", args);')};
export const all = ${fn("Query", 'return (await ctx.db.query("items").collect()).map(({ n }) => n);')};
${filler}`,
);

async function push(app: Backend): Promise<void> {
  const startPush = await app.deploy.startPush(pushRequest({ modules: [items] }));
  await app.deploy.finishPush({ startPush, dryRun: false, message: null });
}

async function open(file: string, log: string[] = []): Promise<Backend> {
  return await openBackend({
    storage: sqlite(file),
    codeFolder: inFolder(`code${files++}`),
    log: (line) => void log.push(line),
  });
}

type Damage = (connection: SqliteConnection, key: string) => void;

const flipped: Damage = (connection, key) => {
  connection.prepareRun("UPDATE entries SET value = '0000' || substr(value, 5) WHERE key = ?")(key);
};
const removed: Damage = (connection, key) => {
  connection.prepareRun("DELETE FROM entries WHERE key = ?")(key);
};

/** A closed file with pushed code and an item; the first document that has all of the marks is damaged. */
async function damaged(marks: readonly string[], damage: Damage): Promise<string> {
  const file = inFolder(`${files++}.sqlite`);
  const app = await open(file);
  await push(app);
  await call(app, "items:add", { n: 7 });
  await app.close();
  const connection = (await loadDriver()).open(file, { busyTimeoutMs: 0 });
  const read = connection.prepareValue<string>("SELECT value FROM entries WHERE key = ?");
  const keys = connection.prepareColumn<string>("SELECT key FROM entries ORDER BY key")();
  const found = keys.find((key) => {
    const text = key.startsWith("\x02") ? (unseal(key, read(key) ?? "") ?? "") : "";
    return marks.every((mark) => text.includes(mark));
  });
  damage(connection, found ?? "");
  connection.close();
  return file;
}

const piece = ['"piece"', '"position":0', "0123456789"];

test.each([
  ["a piece of a text", piece, flipped, "_pushed_texts", "damagedDocument"],
  ["a lost piece", piece, removed, "_pushed_texts", "lostDocument"],
  [
    "the program's document",
    ['"manifest"', '"pushId"', '"pushedAtMs"'],
    flipped,
    "_pushed_programs",
    "damagedDocument",
  ],
] as const)("damage to %s costs no more than a deploy", async (_what, marks, damage, table, kind) => {
  const file = await damaged(marks, damage);
  const log: string[] = [];
  const without = await open(file, log);
  expect(log).toEqual([
    expect.stringMatching(/pushed code .* run `trueup check --repair`, and deploy again/),
  ]);
  await expect(call(without, "items:all")).rejects.toMatchObject({ code: "MODULES_MISSING" });
  await without.close();

  const found = { kind, table, message: "pushed code: deploy the app again" };
  const aggregates = expect.stringContaining("aggregates were not checked");
  const report = await checkFile(file);
  expect(report.data.differences).toContainEqual(expect.objectContaining({ ...found, fixed: false }));
  expect(report.unchecked).toContainEqual(aggregates);
  const repaired = await checkFile(file, { repair: true });
  expect(repaired.data.differences).toContainEqual(expect.objectContaining({ ...found, fixed: true }));
  expect(repaired.unchecked).toEqual([aggregates]);
  expect(repaired.remaining).toBe(0);
  expect(await checkFile(file)).toMatchObject({ remaining: 0, data: { differences: [] } });

  const again: string[] = [];
  const app = await open(file, again);
  expect(again).toHaveLength(1);
  await push(app);
  expect(await call(app, "items:all")).toEqual([7]);
  await app.close();
  const reopened = await open(file, again);
  expect(again).toHaveLength(1);
  expect(await call(reopened, "items:all")).toEqual([7]);
  await reopened.close();
  expect(await checkFile(file)).toMatchObject({ remaining: 0, unchecked: [], data: { differences: [] } });
});

test("a running app whose stored code is damaged mends it, and stores it again with the next deploy", async () => {
  const file = await damaged(piece, flipped);
  const app = await open(file);
  await expect(push(app)).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
  expect((await app.check({ repair: true })).remaining).toBe(0);
  await push(app);
  expect(await call(app, "items:all")).toEqual([7]);
  await app.close();
});

test("damage to a document of the app keeps no code from running, and is left as it is", async () => {
  const file = await damaged(['"n":7'], flipped);
  const log: string[] = [];
  const app = await open(file, log);
  expect(log).toEqual([]);
  await expect(call(app, "items:all")).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
  await app.close();
  expect((await checkFile(file, { repair: true })).remaining).toBe(1);
});
