import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { expect, test, vi } from "vitest";
import { put, readAll } from "../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import type { SqliteConnection } from "./driver/driver.js";
import { loadDriver } from "./driver/load-driver.js";
import { sqlite } from "./index.js";

const inFolder = temporaryFolder();

async function withSqlite(file: string, run: (connection: SqliteConnection) => void): Promise<void> {
  const connection = (await loadDriver()).open(file, { busyTimeoutMs: 0 });
  run(connection);
  connection.close();
}

test("the file and its folders are made, and nothing but the lock file stays beside it", async () => {
  const file = inFolder("new/folder/app.sqlite");
  const storage = await sqlite(file)();
  await put(storage, [["a", "1"]]);
  await storage.close();
  const others = ["-wal", "-shm", "-new", "-journal", "-lock-journal"].filter((suffix) =>
    existsSync(file + suffix),
  );
  expect(others).toEqual([]);
  expect(readFileSync(`${file}-lock`, "utf8")).toBe("");
});

test("an empty file becomes a data file", async () => {
  const file = inFolder("empty.sqlite");
  writeFileSync(file, "");
  const storage = await sqlite(file)();
  await put(storage, [["a", "1"]]);
  await storage.close();
});

test("what a crash left of making the file is swept away", async () => {
  const file = inFolder("leftover.sqlite");
  for (const suffix of ["-new", "-new-journal"]) writeFileSync(file + suffix, "rubbish");
  const storage = await sqlite(file)();
  expect(await readAll(storage)).toEqual([]);
  await storage.close();
});

test("the log of a data file that was removed is neither replayed into a new one nor deleted", async () => {
  const file = inFolder("removed.sqlite");
  const removed = await sqlite(file)();
  await put(removed, [["old", "1"]]);
  copyFileSync(`${file}-wal`, inFolder("log"));
  await removed.close();
  for (const leave of [() => rmSync(file), () => writeFileSync(file, "")]) {
    leave();
    copyFileSync(inFolder("log"), `${file}-wal`);
    await expect(async () => await sqlite(file)()).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringContaining("put the file back"),
    });
    expect(readFileSync(`${file}-wal`)).toEqual(readFileSync(inFolder("log")));
  }
  rmSync(`${file}-wal`);
  const storage = await sqlite(file)();
  expect(await readAll(storage)).toEqual([]);
  expect(storage.version).toBe(0);
  await storage.close();
});

test("a second opener is refused with the pid of the first, by whatever path it comes", async () => {
  const file = inFolder("locked.sqlite");
  const first = await sqlite(file)();
  const locked = { code: "STORAGE_LOCKED", retryable: true, details: { pid: process.pid } };
  await expect(sqlite(file)()).rejects.toMatchObject(locked);
  symlinkSync(file, inFolder("link.sqlite"));
  await expect(sqlite(inFolder("link.sqlite"))()).rejects.toMatchObject(locked);
  await put(first, [["a", "1"]]);
  await first.close();
  const second = await sqlite(file)();
  expect(await readAll(second)).toEqual([["a", "1"]]);
  await second.close();
});

test("files that are not ours are refused and left as they are", async () => {
  const text = inFolder("notes.txt");
  writeFileSync(text, "not a database, but quite a long text\n".repeat(100));
  const short = inFolder("short.txt");
  writeFileSync(short, "SQLite");
  const foreign = inFolder("foreign.sqlite");
  await withSqlite(foreign, (connection) => {
    connection.exec(
      "PRAGMA journal_mode = WAL; CREATE TABLE entries (key, value); INSERT INTO entries VALUES (1, 2)",
    );
  });
  for (const file of [text, short, foreign]) {
    const before = readFileSync(file);
    await expect(sqlite(file)()).rejects.toMatchObject({ code: "STORAGE_CORRUPT", details: { path: file } });
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(existsSync(`${file}-lock`)).toBe(false);
  }
});

test("a file of a later format is refused and left as it is", async () => {
  const file = inFolder("later.sqlite");
  await (await sqlite(file)()).close();
  await withSqlite(file, (connection) => connection.exec("PRAGMA user_version = 9"));
  const before = readFileSync(file);
  await expect(sqlite(file)()).rejects.toMatchObject({
    code: "STORAGE_TOO_NEW",
    details: { format: 9, supported: 2 },
  });
  expect(readFileSync(file).equals(before)).toBe(true);
});

test("a damaged data file is STORAGE_CORRUPT, when it is opened or when the damage is met", async () => {
  const file = inFolder("damaged.sqlite");
  const storage = await sqlite(file)();
  await put(
    storage,
    Array.from({ length: 2000 }, (_, index) => [`key${index}`, "value".repeat(20)] as const),
  );
  await storage.close();
  const whole = readFileSync(file);

  const intact = whole.subarray(0, whole.length / 2);
  writeFileSync(file, Buffer.concat([intact, Buffer.alloc(whole.length - intact.length, 0x5a)]));
  const damaged = await sqlite(file)();
  await expect(readAll(damaged)).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
  await damaged.close();

  writeFileSync(file, whole);
  truncateSync(file, 8192);
  await expect(sqlite(file)()).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
});

test("a path that cannot be a data file is STORAGE_UNAVAILABLE", async () => {
  const folder = inFolder("folder.sqlite");
  mkdirSync(folder);
  writeFileSync(inFolder("file"), "");
  for (const path of [folder, inFolder("file/below.sqlite"), "/proc/none.sqlite"]) {
    await expect(sqlite(path)()).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  }
});

test.each([
  [
    "that it is not installed",
    "Cannot find package 'better-sqlite3' imported from x.js",
    /is not installed\.$/,
  ],
  [
    "that it was not built",
    "Could not locate the bindings file. Tried:\n → /app/node_modules/better-sqlite3/build/better_sqlite3.node",
    /was not built: run `npm rebuild better-sqlite3`\.$/,
  ],
  [
    "that it was built for another Node",
    "The module 'better_sqlite3.node'\nwas compiled against a different Node.js version using\nNODE_MODULE_VERSION 127.",
    /built for another Node: run `npm rebuild better-sqlite3`\.$/,
  ],
  ["what is wrong with it", "invalid ELF header\nand more", /\(invalid ELF header\): run `npm rebuild/],
])("without any driver, the error says of better-sqlite3 %s", async (_what, reason, message) => {
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
  vi.doMock("better-sqlite3", () => ({
    default: class {
      constructor() {
        throw new Error(reason);
      }
    },
  }));
  await expect(sqlite(inFolder("none.sqlite"))()).rejects.toMatchObject({
    code: "STORAGE_DRIVER_MISSING",
    message: expect.stringMatching(message),
    hint: expect.stringContaining("npm install better-sqlite3"),
  });
  vi.doUnmock("better-sqlite3");
  vi.restoreAllMocks();
});
