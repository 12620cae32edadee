/** The data file, its lock and its upgrade, each asked by itself: settings, what is refused, and what is left behind. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../../../../suites/setup/temporary-folder.js";
import { seal, unseal } from "../damage/seal.js";
import type { SqliteConnection, SqliteDriver } from "../driver/driver.js";
import { loadDriver } from "../driver/load-driver.js";
import { sqlite } from "../index.js";
import {
  createDataFile,
  makeFolderOf,
  openReader,
  openWriter,
  prepareDataFile,
  readOwnerPid,
  type PrepareSettings,
} from "./data-file.js";
import { prepareMetaRead, prepareMetaWrite } from "./meta.js";
import { acquireOwnerLock } from "./owner-lock.js";
import { upgradeToSeals } from "./upgrade-format.js";

const inFolder = temporaryFolder();
let files = 0;
const newPath = (): string => inFolder(`${files++}.sqlite`);

let driver: SqliteDriver;
beforeAll(async () => {
  driver = await loadDriver();
});

const settings: PrepareSettings = { durability: "full", damagedLog: "refuse", isLockNew: false };

function newFile(version = 5): string {
  const path = newPath();
  createDataFile(driver, path, version);
  return path;
}

/** Writes bytes over those of a file. */
function overwrite(path: string, at: number, bytes: number[]): void {
  const file = openSync(path, "r+");
  writeSync(file, Buffer.from(bytes), 0, bytes.length, at);
  closeSync(file);
}

function pragmas(connection: SqliteConnection, ...names: string[]): unknown[] {
  return names.map((name) => connection.prepareValue(`PRAGMA ${name}`)());
}

describe("a file that is made", () => {
  test("has our mark, our format and large pages, holds nothing, and is as of a version", () => {
    const path = newFile(77);
    const bytes = readFileSync(path);
    expect(bytes.toString("latin1", 68, 72)).toBe("Trup");
    expect([bytes.readUInt32BE(60), bytes.readUInt16BE(16)]).toEqual([2, 8192]);
    const connection = driver.open(path, { busyTimeoutMs: 0 });
    expect(connection.prepareColumn("SELECT key FROM entries")()).toEqual([]);
    expect(prepareMetaRead(connection, "version")()).toBe(77);
    connection.close();
    expect(readOwnerPid(driver, path)).toBe(process.pid);
  });

  test("leaves nothing of one that was being made, nor of a log that belonged to another one", () => {
    const path = newPath();
    for (const suffix of ["-new", "-new-journal", "-wal", "-shm"]) writeFileSync(path + suffix, "rubbish");
    createDataFile(driver, path, 1);
    for (const suffix of ["-new", "-new-journal", "-wal", "-shm"]) {
      expect(existsSync(path + suffix)).toBe(false);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("is made where there is none, or an empty one, and left alone where there is one", () => {
    const path = newPath();
    prepareDataFile(driver, path, settings);
    const made = readFileSync(path);
    prepareDataFile(driver, path, settings);
    expect(readFileSync(path).equals(made)).toBe(true);
    writeFileSync(path, "");
    prepareDataFile(driver, path, settings);
    expect(statSync(path).size).toBe(made.length);
    writeFileSync(path, "");
    writeFileSync(`${path}-wal`, "a log");
    expect(() => prepareDataFile(driver, path, settings)).toThrow(
      expect.objectContaining({ code: "STORAGE_CORRUPT", details: { path } }),
    );
    expect(readFileSync(`${path}-wal`, "utf8")).toBe("a log");
  });

  test("is in a folder that is made for its owner", () => {
    const path = inFolder("some/new/folder/data.sqlite");
    makeFolderOf(path);
    makeFolderOf(path);
    expect(statSync(inFolder("some/new/folder")).mode & 0o777).toBe(0o700);
    writeFileSync(inFolder("file"), "");
    expect(() => makeFolderOf(inFolder("file/below/data.sqlite"))).toThrow(
      expect.objectContaining({ code: "STORAGE_UNAVAILABLE" }),
    );
  });
});

describe("a header", () => {
  test.each<[string, number, number[], string]>([
    ["another beginning", 0, [0x58], "STORAGE_CORRUPT"],
    ["another program's mark", 71, [0], "STORAGE_CORRUPT"],
    ["no format", 63, [0], "STORAGE_CORRUPT"],
    ["a later format", 63, [3], "STORAGE_TOO_NEW"],
    ["a way of writing that is not known yet", 18, [3], "STORAGE_CORRUPT"],
    ["a way of reading that is not known yet", 19, [3], "STORAGE_CORRUPT"],
    ["no way of writing", 18, [0], "STORAGE_CORRUPT"],
  ])("that has %s is refused", (_what, at, bytes, code) => {
    const path = newFile();
    overwrite(path, at, bytes);
    const before = readFileSync(path);
    expect(() => prepareDataFile(driver, path, settings)).toThrow(expect.objectContaining({ code }));
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test.each([1, 2])("may say that everybody writes and reads, or who knows the log: %d", (access) => {
    const path = newFile();
    overwrite(path, 18, [access, access]);
    expect(() => prepareDataFile(driver, path, settings)).not.toThrow();
  });

  test("that is too short is refused", () => {
    const path = newPath();
    writeFileSync(path, "SQLite format 3\0");
    expect(() => prepareDataFile(driver, path, settings)).toThrow(
      expect.objectContaining({ code: "STORAGE_CORRUPT", details: { path } }),
    );
  });
});

test("a file that somebody has open is refused where the lock does not tell, and only there", () => {
  const path = newFile();
  const other = openWriter(driver, path, { durability: "full", maxSizeBytes: undefined });
  other.exec("BEGIN IMMEDIATE");
  expect(() => prepareDataFile(driver, path, { ...settings, isLockNew: true })).toThrow(
    expect.objectContaining({ code: "STORAGE_LOCKED" }),
  );
  expect(() => prepareDataFile(driver, path, settings)).not.toThrow();
  other.exec("ROLLBACK");
  other.close();
  expect(() => prepareDataFile(driver, path, { ...settings, isLockNew: true })).not.toThrow();
});

describe("a connection", () => {
  test.each([
    ["full", 1, 1],
    ["relaxed", 1, 0],
  ] as const)("that writes has the settings of its durability: %s", (durability, synchronous, fullfsync) => {
    const connection = openWriter(driver, newFile(), { durability, maxSizeBytes: 400_000 });
    const names = [
      "journal_mode",
      "synchronous",
      "fullfsync",
      "wal_autocheckpoint",
      "cache_size",
      "mmap_size",
    ];
    expect(pragmas(connection, ...names)).toEqual(["wal", synchronous, fullfsync, 0, -65_536, 1_073_741_824]);
    expect(
      pragmas(connection, "temp_store", "max_page_count", "query_only", "journal_size_limit", "busy_timeout"),
    ).toEqual([2, 48, 0, 40_960_000, 5000]);
    connection.close();
  });

  test("that writes may let the file grow as it likes, and has no room for less than a page", () => {
    const path = newFile();
    const free = openWriter(driver, path, { durability: "full", maxSizeBytes: undefined });
    expect(Number(pragmas(free, "max_page_count")[0])).toBeGreaterThan(1e6);
    free.close();
    const small = openWriter(driver, path, { durability: "full", maxSizeBytes: 1 });
    expect(Number(pragmas(small, "max_page_count")[0])).toBeLessThan(10);
    small.close();
  });

  test("that reads changes nothing", () => {
    const path = newFile();
    openWriter(driver, path, { durability: "full", maxSizeBytes: undefined }).close();
    const connection = openReader(driver, path);
    expect(pragmas(connection, "query_only", "cache_size", "temp_store", "mmap_size")).toEqual([
      1, -16_384, 2, 1_073_741_824,
    ]);
    expect(() => connection.exec("DELETE FROM entries")).toThrow("readonly");
    connection.close();
  });

  test("is refused where the tables are not ours, and closed then", () => {
    const path = newFile();
    const damaging = driver.open(path, { busyTimeoutMs: 0 });
    damaging.exec("CREATE TABLE more (a)");
    damaging.close();
    expect(() => openWriter(driver, path, { durability: "full", maxSizeBytes: undefined })).toThrow(
      expect.objectContaining({ code: "STORAGE_CORRUPT", details: { path } }),
    );
  });
});

test("who has opened a file is told by the file, where it can be told", async () => {
  const path = newFile();
  const connection = driver.open(path, { busyTimeoutMs: 0 });
  prepareMetaWrite(connection, "owner")(4711);
  connection.close();
  expect(readOwnerPid(driver, path)).toBe(4711);
  const storage = await sqlite(path)();
  await storage.close();
  expect(readOwnerPid(driver, path)).toBe(process.pid);
  expect(readOwnerPid(driver, newPath())).toBeUndefined();
  const text = newPath();
  writeFileSync(text, "no database");
  expect(readOwnerPid(driver, text)).toBeUndefined();
});

describe("the right to own a file", () => {
  test("is one's alone, says whether there was a lock, and is given back with or without it", () => {
    const path = newFile();
    const first = acquireOwnerLock(driver, path, () => undefined);
    expect([first.isNew, first.path]).toEqual([true, `${path}-lock`]);
    const refused = (holder: number | undefined): unknown => {
      try {
        acquireOwnerLock(driver, path, () => holder);
      } catch (error) {
        return error;
      }
      return undefined;
    };
    expect(refused(undefined)).toMatchObject({
      code: "STORAGE_LOCKED",
      message: expect.stringContaining("Another process"),
    });
    expect((refused(undefined) as { details: unknown }).details).toStrictEqual({ path });
    expect((refused(4711) as { details: unknown }).details).toStrictEqual({ path, pid: 4711 });
    first.withdraw();
    expect(existsSync(`${path}-lock`)).toBe(false);
    const second = acquireOwnerLock(driver, path, () => undefined);
    second.hold();
    expect((refused(4711) as { details: unknown }).details).toStrictEqual({ path, pid: process.pid });
    second.release();
    expect(existsSync(`${path}-lock`)).toBe(true);
    const third = acquireOwnerLock(driver, path, () => undefined);
    expect(third.isNew).toBe(false);
    third.withdraw();
    expect(existsSync(`${path}-lock`)).toBe(true);
  });

  test("is not refused as somebody else's where the lock cannot even be opened", () => {
    const path = newFile();
    mkdirSync(`${path}-lock`);
    expect(() => acquireOwnerLock(driver, path, () => 4711)).toThrow(
      expect.objectContaining({ code: "STORAGE_UNAVAILABLE" }),
    );
  });

  test("of a file that is not there yet can be held and given back", () => {
    const path = newPath();
    const lock = acquireOwnerLock(driver, path, () => undefined);
    lock.hold();
    lock.release();
    acquireOwnerLock(driver, path, () => undefined).release();
  });
});

test.each([0, 1, 999, 1000, 1001, 2000])(
  "an upgrade seals each of %d entries, and keeps the version",
  (count) => {
    const connection = driver.open(":memory:", { busyTimeoutMs: 0 });
    connection.exec(`
    CREATE TABLE entries (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value) WITHOUT ROWID;
    INSERT INTO meta VALUES ('version', 99), ('owner', 1);
  `);
    const insert = connection.prepareRun("INSERT INTO entries VALUES (?, ?)");
    const keys = ["", "\x01a", "A", "~", ...Array.from({ length: 1996 }, (_, index) => `k${index}`)].slice(
      0,
      count,
    );
    for (const key of keys) insert(key, key === "A" ? "" : `value of ${key}`);
    upgradeToSeals(connection, "path");
    const read = connection.prepareValue<string>("SELECT value FROM entries WHERE key = ?");
    for (const key of keys) expect(unseal(key, read(key) ?? "")).toBe(key === "A" ? "" : `value of ${key}`);
    expect(prepareMetaRead(connection, "version")()).toBe(99);
    expect(prepareMetaRead(connection, "owner")()).toBe(process.pid);
    expect(connection.prepareValue("PRAGMA user_version")()).toBe(2);
    expect(connection.isInTransaction()).toBe(false);
    connection.close();
  },
);

test("a file of an older format that SQLite finds damaged is not sealed", () => {
  const damaged = {
    prepareValue: () => () => "page 3 is lost",
    exec: () => {
      throw new Error("nothing may be changed");
    },
  } as unknown as SqliteConnection;
  expect(() => upgradeToSeals(damaged, "path")).toThrow(
    expect.objectContaining({
      code: "STORAGE_CORRUPT",
      details: { path: "path" },
      message: expect.stringContaining("page 3 is lost"),
    }),
  );
});

test("a number of the file that is gone, or of another name, is damaged", () => {
  const connection = driver.open(newFile(), { busyTimeoutMs: 0 });
  connection.exec(
    "UPDATE meta SET value = (SELECT value FROM meta WHERE name = 'owner') WHERE name = 'version'",
  );
  expect(() => prepareMetaRead(connection, "version")()).toThrow(expect.objectContaining({ key: "version" }));
  connection.prepareRun("UPDATE meta SET value = ? WHERE name = 'version'")(seal("version", "5"));
  expect(() => prepareMetaRead(connection, "version")()).toThrow(expect.objectContaining({ key: "version" }));
  prepareMetaWrite(connection, "version")(6);
  expect(prepareMetaRead(connection, "version")()).toBe(6);
  connection.exec("DELETE FROM meta WHERE name = 'version'");
  expect(() => prepareMetaRead(connection, "version")()).toThrow(expect.objectContaining({ key: "version" }));
  connection.close();
});
