/** Makes each kind of damage by direct SQL: a check finds it, a repair mends what is derived, and no read serves it. */
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  checkFile,
  openBackend,
  sqlite,
  type Backend,
  type DataDifference,
  type FileCheckReport,
} from "trueup";
import { defineSchema, defineTable, mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";
import type { SqliteConnection } from "../../src/storage/sqlite/driver/driver.js";
import { loadDriver } from "../../src/storage/sqlite/driver/load-driver.js";
import { seal, unseal } from "../../src/storage/sqlite/damage/seal.js";
import { call, openApp } from "../setup/open-app.js";
import { temporaryFolder } from "../setup/temporary-folder.js";

const inFolder = temporaryFolder();
const [documentSpace, idSpace, indexEntries, countSpace] = ["\x02", "\x03", "\x04", "\x05"];
let files = 0;

const schema = defineSchema({
  players: defineTable({ name: v.string(), score: v.number() }).index("by_score", ["score"]),
});
const players = {
  add: mutationGeneric({
    handler: async (ctx, { count }: { count: number }) => {
      const ids: string[] = [];
      for (let score = 0; score < count; score++) {
        ids.push(await ctx.db.insert("players", { name: `p${score}`, score }));
      }
      return ids;
    },
  }),
  get: queryGeneric({ handler: async (ctx, { id }: { id: string }) => await ctx.db.get(id as never) }),
  all: queryGeneric({ handler: async (ctx) => await ctx.db.query("players").collect() }),
  byScore: queryGeneric({
    handler: async (ctx) =>
      (await ctx.db.query("players").withIndex("by_score").collect()).map(({ score }) => score),
  }),
  count: queryGeneric({
    handler: async (ctx) =>
      await (ctx.db.query("players") as unknown as { count(): Promise<number> }).count(),
  }),
};

const modules = {
  "./convex/players.ts": async () => players,
  "./convex/schema.ts": async () => ({ default: schema }),
};

async function open(file: string): Promise<Backend> {
  return await openBackend({ storage: sqlite(file), modules, log: "silent" });
}

/** A closed file with ten players, and their ids. */
async function tenPlayers(): Promise<{ readonly file: string; readonly ids: readonly string[] }> {
  const file = inFolder(`${files++}.sqlite`);
  const app = await open(file);
  const ids = (await call(app, "players:add", { count: 10 })) as string[];
  await app.close();
  return { file, ids };
}

interface Row {
  readonly key: string;
  readonly value: string;
}

interface Damager {
  /** The rows of the players in a space, in order. */
  readonly rows: (space: string | undefined) => readonly Row[];
  readonly put: (key: string, value: string) => void;
  /** The value as it stands in the file, with its seal. */
  readonly putRaw: (key: string, sealed: string) => void;
  readonly remove: (key: string) => void;
}

async function damage(file: string, run: (damager: Damager) => void): Promise<void> {
  const connection: SqliteConnection = (await loadDriver()).open(file, { busyTimeoutMs: 0 });
  const read = connection.prepareValue<string>("SELECT value FROM entries WHERE key = ?");
  const put = connection.prepareRun(
    "INSERT INTO entries VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  );
  const remove = connection.prepareRun("DELETE FROM entries WHERE key = ?");
  const keys = connection.prepareColumn<string>("SELECT key FROM entries ORDER BY key")();
  const rows = keys.map((key) => ({ key, value: unseal(key, read(key) ?? "") ?? "" }));
  const table =
    rows.find(({ key, value }) => key.startsWith("\x02") && value.includes('"p0"'))?.key.slice(1, 5) ?? "";
  const index = rows.findLast(({ key }) => key.startsWith("\x04"))?.key.slice(1, 5) ?? "";
  run({
    rows: (space = "") =>
      rows.filter(({ key }) => key.startsWith(space + (space === indexEntries ? index : table))),
    put: (key, value) => put(key, seal(key, value)),
    putRaw: (key, sealed) => put(key, sealed),
    remove: (key) => remove(key),
  });
  connection.close();
}

function kindsOf({ data }: FileCheckReport): string[] {
  return data.differences.map(({ kind }: DataDifference) => kind).sort();
}

const derived: readonly (readonly [
  what: string,
  kinds: readonly string[],
  run: (damager: Damager) => void,
])[] = [
  [
    "an index entry that is missing",
    ["missingIndexEntry"],
    ({ rows, remove }) => remove(rows(indexEntries)[3]?.key ?? ""),
  ],
  [
    "three index entries too many",
    ["wrongIndexEntry", "wrongIndexEntry", "wrongIndexEntry"],
    ({ rows, put }) => {
      const [first, ...others] = rows(indexEntries);
      for (const { key } of others.slice(0, 3)) put((first?.key ?? "").slice(0, -25) + key.slice(-25), "");
    },
  ],
  [
    "an index entry of no document",
    ["wrongIndexEntry"],
    ({ rows, put }) => put(`${rows(indexEntries)[2]?.key.slice(0, -1) ?? ""}\x01`, ""),
  ],
  [
    "a damaged index entry",
    ["damagedEntry"],
    ({ rows, putRaw }) => putRaw(rows(indexEntries)[2]?.key ?? "", "0000"),
  ],
  ["an id that is missing", ["missingId"], ({ rows, remove }) => remove(rows(idSpace)[4]?.key ?? "")],
  ["an id that leads elsewhere", ["wrongId"], ({ rows, put }) => put(rows(idSpace)[4]?.key ?? "", "12345")],
  ["a damaged id", ["damagedEntry"], ({ rows, putRaw }) => putRaw(rows(idSpace)[4]?.key ?? "", "12345")],
  ["wrong counts", ["wrongCounts"], ({ rows, put }) => put(rows(countSpace)[0]?.key ?? "", "11,500")],
  ["damaged counts", ["wrongCounts"], ({ rows, putRaw }) => putRaw(rows(countSpace)[0]?.key ?? "", "11,500")],
];

test("nothing is wrong with a sound file, and a check changes nothing", async () => {
  const { file } = await tenPlayers();
  const report = await checkFile(file);
  expect(report).toMatchObject({
    remaining: 0,
    unchecked: [],
    storage: { damages: [] },
    data: { differences: [] },
  });
  expect(report.data.documents).toBeGreaterThanOrEqual(10);
});

test.each(derived)("%s is found, and mended by a repair", async (_what, kinds, run) => {
  const { file, ids } = await tenPlayers();
  await damage(file, run);
  const found = await checkFile(file);
  expect(kindsOf(found)).toEqual(kinds);
  expect(found.remaining).toBeGreaterThan(0);
  expect(kindsOf(await checkFile(file))).toEqual(kinds);

  const repaired = await checkFile(file, { repair: true });
  expect(kindsOf(repaired)).toEqual(kinds);
  expect(repaired.data.differences.every(({ fixed }) => fixed)).toBe(true);
  expect(repaired.remaining).toBe(0);
  expect(await checkFile(file)).toMatchObject({
    remaining: 0,
    data: { differences: [] },
    storage: { damages: [] },
  });
  const app = await open(file);
  expect(await call(app, "players:byScore")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(await call(app, "players:get", { id: ids[4] })).toMatchObject({ name: "p4" });
  expect(await call(app, "players:count")).toBe(10);
  await app.close();
});

test("a running backend checks and mends itself", async () => {
  const { file, ids } = await tenPlayers();
  await damage(file, ({ rows, remove, putRaw }) => {
    remove(rows(idSpace)[4]?.key ?? "");
    putRaw(rows(indexEntries)[2]?.key ?? "", "0000");
  });
  const app = await open(file);
  expect((await app.check()).remaining).toBe(2);
  expect((await app.check({ repair: true })).remaining).toBe(0);
  expect(await call(app, "players:get", { id: ids[4] })).toMatchObject({ name: "p4" });
  await app.close();
});

test("a damaged document is named by whoever reads it, and left as it is by a repair", async () => {
  const { file, ids } = await tenPlayers();
  await damage(file, ({ rows, putRaw }) => putRaw(rows(documentSpace)[3]?.key ?? "", '{"name":"p3"}'));
  const named = {
    code: "STORAGE_CORRUPT",
    details: { table: "players", documentId: ids[3], componentPath: "" },
  };
  const app = await open(file);
  await expect(call(app, "players:get", { id: ids[3] })).rejects.toMatchObject(named);
  await expect(call(app, "players:all")).rejects.toMatchObject(named);
  await expect(call(app, "players:byScore")).rejects.toMatchObject(named);
  expect(await call(app, "players:get", { id: ids[4] })).toMatchObject({ name: "p4" });
  await app.close();
  for (const repair of [false, true, false]) {
    const report = await checkFile(file, { repair });
    expect(report.data.differences).toEqual([
      { kind: "damagedDocument", componentPath: "", table: "players", documentId: ids[3], fixed: false },
    ]);
    expect(report.remaining).toBe(1);
  }
});

test("a lost document is named, and what is left of it is kept", async () => {
  const { file, ids } = await tenPlayers();
  await damage(file, ({ rows, remove }) => remove(rows(documentSpace)[3]?.key ?? ""));
  const report = await checkFile(file, { repair: true });
  expect(report.data.differences.map(({ kind, documentId }) => [kind, documentId ?? ""])).toEqual([
    ["wrongCounts", ""],
    ["lostDocument", ids[3]],
  ]);
  const app = await open(file);
  await expect(call(app, "players:get", { id: ids[3] })).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
  await app.close();
});

test("a file with a damaged page is made anew of the rest, and kept", async () => {
  const file = inFolder(`${files++}.sqlite`);
  const app = await open(file);
  await call(app, "players:add", { count: 2000 });
  await app.close();
  const bytes = readFileSync(file);
  const page = 8192 * Math.floor(bytes.length / 8192 / 2);
  writeFileSync(file, bytes.fill(0x5a, page, page + 8192));

  const found = await checkFile(file);
  expect(found.storage?.damages.some(({ kind }) => kind === "page")).toBe(true);
  expect(found.remaining).toBeGreaterThan(0);
  const repaired = await checkFile(file, { repair: true });
  expect(repaired.rebuilt?.entries).toBeGreaterThan(2000);
  openSync(repaired.rebuilt?.keptAs ?? "", "r");
  expect(repaired.storage?.damages).toEqual([]);
  const again = await checkFile(file);
  expect(again.data.differences.filter(({ kind }) => kind !== "lostDocument")).toEqual([]);
});

test("a backend in memory has no file to check, but documents", async () => {
  const app = await openApp("memory", { modules: { players, schema: { default: schema } } });
  await call(app, "players:add", { count: 10 });
  expect(await app.check()).toMatchObject({ storage: null, remaining: 0, data: { differences: [] } });
});
