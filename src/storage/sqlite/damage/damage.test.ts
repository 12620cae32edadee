import { readFileSync, statSync, writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import fc from "fast-check";
import { expect, test } from "vitest";
import { put, readAll } from "../../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../../suites/setup/temporary-folder.js";
import type { SqliteConnection } from "../driver/driver.js";
import { loadDriver } from "../driver/load-driver.js";
import { sqlite } from "../index.js";
import { seal, unseal, unsealRow } from "./seal.js";

const inFolder = temporaryFolder();

async function withSqlite(file: string, run: (connection: SqliteConnection) => void): Promise<void> {
  const connection = (await loadDriver()).open(file, { busyTimeoutMs: 0 });
  run(connection);
  connection.close();
}

const key = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const value = fc.string({ unit: "grapheme", maxLength: 300 });

test("what is sealed comes back, alone and as a row, however long and in whatever script", () => {
  fc.assert(
    fc.property(key, value, (key, value) => {
      const sealed = seal(key, value);
      expect(unseal(key, sealed)).toBe(value);
      expect(unsealRow(key + sealed)).toEqual([key, value]);
    }),
  );
  const long = "é".repeat(300_000);
  expect(unseal("key", seal("key", long))).toBe(long);
});

test("no flipped bit passes, unless it changes nothing", () => {
  fc.assert(
    fc.property(key, value, fc.nat(), (key, value, position) => {
      const row = Buffer.from(key + seal(key, value));
      const bit = position % (row.length * 8);
      row[bit >> 3] = (row[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const damaged = row.toString();
      // Some bits of a seal mean nothing.
      expect(unsealRow(damaged) ?? [key, value]).toEqual([key, value]);
    }),
    { numRuns: 2000 },
  );
});

test("a value does not pass under another key, nor a key that is cut elsewhere", () => {
  fc.assert(
    fc.property(key, key, value, (key, other, value) => {
      fc.pre(key !== other);
      expect(unseal(other, seal(key, value))).toBeUndefined();
    }),
  );
  expect(unseal("ab", seal("a", "bc"))).toBeUndefined();
});

const damages: readonly (readonly [what: string, sql: string])[] = [
  ["a changed value", "UPDATE entries SET value = replace(value, 'two', 'too') WHERE key = 'b'"],
  [
    "another key's value",
    "UPDATE entries SET value = (SELECT value FROM entries WHERE key = 'a') WHERE key = 'b'",
  ],
  ["a value without a seal", "UPDATE entries SET value = 'x' WHERE key = 'b'"],
  ["no text", "UPDATE entries SET value = '' WHERE key = 'b'"],
  ["bytes", "UPDATE entries SET value = x'ff00ff' WHERE key = 'b'"],
  ["a number beyond doubles", "UPDATE entries SET value = 9223372036854775807 WHERE key = 'b'"],
];

test.each(damages)(
  "%s is STORAGE_CORRUPT with its key, read one by one, among others, and in scans",
  async (_what, sql) => {
    const file = inFolder(`${damages.findIndex((each) => each[1] === sql)}.sqlite`);
    const storage = await sqlite(file)();
    await put(storage, [
      ["a", "one"],
      ["b", "two"],
      ["c", "three"],
    ]);
    await storage.close();
    await withSqlite(file, (connection) => connection.exec(sql));

    const reopened = await sqlite(file)();
    const corrupt = { code: "STORAGE_CORRUPT", details: { path: file, key: "62" } };
    const snapshot = await reopened.snapshot();
    const reads = [
      () => snapshot.get("b"),
      () => snapshot.getMany(["a", "b"]),
      () => snapshot.scan({ start: "a" }),
      () => snapshot.scan({ start: "a", end: "c" }, { reverse: true, limit: 1 }),
    ];
    for (const read of reads) expect(read).toThrow(expect.objectContaining(corrupt));
    expect(await snapshot.get("c")).toBe("three");
    snapshot.release();
    await expect(readAll(reopened)).rejects.toMatchObject(corrupt);
    await reopened.close();
  },
);

test("a damaged key is STORAGE_CORRUPT in a scan", async () => {
  const file = inFolder("key.sqlite");
  const storage = await sqlite(file)();
  await put(storage, [
    ["a", "one"],
    ["b", "two"],
  ]);
  await storage.close();
  await withSqlite(file, (connection) => connection.exec("UPDATE entries SET key = 'c' WHERE key = 'b'"));
  const reopened = await sqlite(file)();
  await expect(readAll(reopened)).rejects.toMatchObject({ code: "STORAGE_CORRUPT", details: { key: "63" } });
  await reopened.close();
});

test.each([
  "UPDATE meta SET value = 'x' WHERE name = 'version'",
  "UPDATE meta SET value = (SELECT value FROM meta WHERE name = 'owner') WHERE name = 'version'",
  "DELETE FROM meta WHERE name = 'version'",
  "ALTER TABLE entries ADD COLUMN more",
  "DROP TABLE meta",
  "DROP TABLE entries",
  "PRAGMA user_version = 0",
])("a file whose frame is damaged is refused with STORAGE_CORRUPT: %s", async (sql) => {
  const file = inFolder(`frame ${sql.replaceAll(/\W/g, "")}.sqlite`);
  await (await sqlite(file)()).close();
  await withSqlite(file, (connection) => connection.exec(sql));
  await expect(sqlite(file)()).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
});

test("a file of format 1 is sealed when it is opened, with its version, and can be written", async () => {
  const file = inFolder("older.sqlite");
  await withSqlite(file, makeFormat1);
  const storage = await sqlite(file)();
  expect(storage.version).toBe(1234);
  const all = await readAll(storage);
  expect(all.length).toBe(2500);
  expect(all[7]).toEqual(["key\u00ff\0 1007", "value é 中 7"]);
  await put(storage, [["later", "1"]]);
  await storage.close();
  const reopened = await sqlite(file)();
  expect((await readAll(reopened)).length).toBe(2501);
  await reopened.close();
});

test("a damaged file of format 1 is refused, not sealed", async () => {
  const file = inFolder("older and damaged.sqlite");
  await withSqlite(file, makeFormat1);
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0x5a, 3 * 8192, 4 * 8192));
  await expect(sqlite(file)()).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
});

function makeFormat1(connection: SqliteConnection): void {
  connection.exec(`
    PRAGMA page_size = 8192; PRAGMA application_id = ${0x54727570}; PRAGMA user_version = 1;
    CREATE TABLE entries (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO meta VALUES ('version', 1234), ('owner', 1);
    BEGIN;
  `);
  const insert = connection.prepareRun("INSERT INTO entries VALUES (?, ?)");
  for (let index = 0; index < 2500; index++) insert(`key\u00ff\0 ${1000 + index}`, `value é 中 ${index}`);
  connection.exec("COMMIT");
}

// A worker thread has no umask of its own.
test.runIf(isMainThread)(
  "files are for their owner only, whatever the umask, and the mode of one that is there stays",
  async () => {
    const before = process.umask(0);
    try {
      const file = inFolder("private/folder/app.sqlite");
      const storage = await sqlite(file)();
      await put(storage, [["a", "1"]]);
      const modes = ["", "-wal", "-shm", "-lock"].map((suffix) => statSync(file + suffix).mode & 0o777);
      expect(modes).toEqual([0o600, 0o600, 0o600, 0o600]);
      expect(statSync(inFolder("private/folder")).mode & 0o777).toBe(0o700);
      await storage.close();
    } finally {
      process.umask(before);
    }
  },
);
