/**
 * Nothing is acknowledged before it is on disk, told by the bytes of the log that were flushed; and what happens when a flush
 * fails.
 */
import { copyFileSync, existsSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { observedDriver } from "../../../suites/setup/observed-driver.js";
import { seededRandom } from "../../../suites/setup/random.js";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import { RecordedLog } from "../../../suites/storage/recorded-log.js";
import { mutate, put, readAll } from "../../../suites/storage/storage-calls.js";
import type { Storage } from "../storage.js";
import { loadDriver } from "./driver/load-driver.js";
import { sqlite } from "./index.js";
import { openSqlite } from "./sqlite-storage.js";

const inFolder = temporaryFolder();
let files = 0;
const newFile = (): string => inFolder(`${files++}.sqlite`);
const stopped = expect.objectContaining({ code: "STORAGE_UNAVAILABLE" });

/** A storage whose flushes end when the test says so, and on so slow a disk that none of them blocks the event loop. */
async function heldStorage() {
  const file = newFile();
  const log = new RecordedLog();
  log.blockingMs = 100;
  const commits: string[] = [];
  const driver = observedDriver(await loadDriver(), (sql) => {
    if (sql === "COMMIT") commits.push(sql);
  });
  const storage = openSqlite(driver, file, {}, log.open);
  await Promise.all(["x", "y"].map((key) => put(storage, [[key, "1"]])));
  let release = (): void => {};
  log.delay = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  /** Commits this, and comes back when its flush is under way. */
  const begin = async (key: string): Promise<{ done: Promise<unknown> }> => {
    const { flushes } = log;
    const done = put(storage, [[key, "1"]]).catch((error: unknown) => error);
    while (log.flushes === flushes) await setImmediate();
    return { done };
  };
  return { file, log, storage, commits, begin, release: () => release() };
}

async function keysOf(storage: Storage): Promise<string[]> {
  return (await readAll(storage)).map(([key]) => key);
}

async function keysIn(file: string): Promise<string[]> {
  const storage = await sqlite(file)();
  try {
    return await keysOf(storage);
  } finally {
    await storage.close();
  }
}

/** Whose rows are all there; a commit of which some are missing is an error. */
async function recovered(file: string): Promise<Set<string>> {
  const rows = new Map<string, number>();
  for (const key of await keysIn(file)) {
    const name = key.slice(0, key.indexOf("/"));
    rows.set(name, (rows.get(name) ?? 0) + 1);
  }
  for (const [name, count] of rows) expect(`${name}: ${count}`).toBe(`${name}: ${rowsPerCommit}`);
  return new Set(rows.keys());
}

const rowsPerCommit = 3;

test("a machine that goes down at any acknowledgement has everything that was acknowledged, and no commit in part", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = seededRandom(seed);
      const below = (limit: number): number => Math.floor(random() * limit);
      const turns = async (limit: number): Promise<void> => {
        for (let left = below(limit); left > 0; left--) await setImmediate();
      };
      const log = new RecordedLog();
      log.delay = () => turns(6);
      log.blockingMs = [0, 1.2, 100][below(3)] ?? 0;
      log.stretch = random() < 0.5 ? 1 : 100;
      const storage = openSqlite(await loadDriver(), newFile(), {}, log.open);
      const acknowledged = new Set<string>();
      const heard: number[] = [];
      storage.onCommit(({ version }) => heard.push(version));
      const crashes: { file: string; had: string[] }[] = [];
      const callers = 1 + below(10);
      await Promise.all(
        Array.from({ length: callers }, async (_, caller) => {
          for (let count = 0; count < 8; count++) {
            await turns(4);
            const name = `${caller}.${count}`;
            const value = "x".repeat(below(6000));
            const version = await mutate(storage, async () => {
              await turns(2);
              return Array.from({ length: rowsPerCommit }, (_row, row) => [`${name}/${row}`, value] as const);
            });
            acknowledged.add(name);
            expect(heard).toContain(version);
            if (random() < 0.3) {
              const snapshot = await storage.snapshot();
              expect(snapshot.get(`${name}/0`)).toBe(value);
              await turns(5);
              snapshot.release();
            }
            if (random() > 4 / (8 * callers)) continue;
            const share = below(2) === 0 ? 0 : random();
            const file = newFile();
            log.crash(file, () => random() < share);
            crashes.push({ file, had: [...acknowledged] });
          }
        }),
      );
      await storage.close();
      expect(heard).toEqual(heard.toSorted((one, other) => one - other));
      for (const { file, had } of crashes) {
        const has = await recovered(file);
        expect(had.filter((name) => !has.has(name))).toEqual([]);
      }
    }),
    { numRuns: 25 },
  );
});

test("callers in turns of their own share flushes", async () => {
  const log = new RecordedLog();
  log.blockingMs = 100;
  log.delay = async () => {
    for (let turn = 0; turn < 3; turn++) await setImmediate();
  };
  const storage = openSqlite(await loadDriver(), newFile(), {}, log.open);
  await Promise.all(
    Array.from({ length: 20 }, async (_, caller) => {
      for (let count = 0; count < 10; count++) {
        await setImmediate();
        await put(storage, [[`${caller}.${count}`, "1"]]);
      }
    }),
  );
  expect(log.flushes).toBeLessThan(60);
  await storage.close();
});

test("while a flush is under way, transactions see what it is to make durable and snapshots do not", async () => {
  const { storage, commits, begin, release } = await heldStorage();
  const before = storage.version;
  const first = await begin("a");
  const inTurn = await storage.begin();
  expect(await inTurn.get("a")).toBe("1");
  const committed = commits.length;
  const second = inTurn.commit({ writes: [["b", "1"]] });
  expect(await keysOf(storage)).toEqual(["x", "y"]);
  expect([storage.version, commits.length]).toEqual([before, committed]);
  release();
  const version = await first.done;
  expect(storage.version).toBe(version);
  expect(await keysOf(storage)).toEqual(["a", "x", "y"]);
  release();
  expect(await second).toBe(storage.version);
  expect(await keysOf(storage)).toEqual(["a", "b", "x", "y"]);
  await storage.close();
});

test("a transaction that only read what is being flushed is acknowledged with it", async () => {
  const { storage, begin, release } = await heldStorage();
  const first = await begin("a");
  let isDone = false;
  const read = mutate(storage, () => []).finally(() => {
    isDone = true;
  });
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  expect(isDone).toBe(false);
  release();
  expect(await read).toBe(await first.done);
  await storage.close();
});

test("when a flush fails, neither its group nor what came after is acknowledged, and it is not tried again", async () => {
  const { file, log, storage, commits, begin, release } = await heldStorage();
  const old = await storage.snapshot();
  const heard: unknown[] = [];
  storage.onCommit((commit) => heard.push(commit));
  const first = await begin("a");
  const reading = await storage.begin();
  expect(await reading.get("a")).toBe("1");
  const third = reading.commit({ writes: [["b", "1"]] }).catch((error: unknown) => error);
  const onlyRead = mutate(storage, () => []).catch((error: unknown) => error);
  const began = await storage.begin();
  const counts = [log.flushes, commits.length];
  log.failure = new Error("EIO");
  release();
  expect([await first.done, await third, await onlyRead]).toEqual([stopped, stopped, stopped]);
  log.failure = undefined;

  expect(() => began.get("a")).toThrow(stopped);
  await expect(began.commit({ writes: [["c", "1"]] })).rejects.toEqual(stopped);
  await expect(put(storage, [["d", "1"]])).rejects.toEqual(stopped);
  await expect(mutate(storage, () => [])).rejects.toEqual(stopped);
  expect(
    await mutate(storage, (reader) => [["e", String(reader.version)]]).catch((error: unknown) => error),
  ).toEqual(stopped);
  expect([log.flushes, commits.length]).toEqual(counts);
  expect(heard).toEqual([]);
  // What was durable before can still be read.
  expect((await old.scan({ start: "" })).map(([key]) => key)).toEqual(["x", "y"]);
  expect(await keysOf(storage)).toEqual(["x", "y"]);

  await storage.close();
  // Nor did closing it move a log into the data file of which nobody knows what is on disk.
  expect(existsSync(`${file}-wal`)).toBe(true);
  expect(await keysIn(file)).toEqual(["a", "x", "y"]);
});

test("a flush that fails on the event loop stops the storage as well", async () => {
  const log = new RecordedLog();
  const storage = openSqlite(await loadDriver(), newFile(), {}, log.open);
  await put(storage, [["a", "1"]]);
  log.failure = new Error("EIO");
  await expect(put(storage, [["b", "1"]])).rejects.toEqual(stopped);
  log.failure = undefined;
  await expect(put(storage, [["c", "1"]])).rejects.toEqual(stopped);
  await expect((async () => readAll(storage))()).rejects.toEqual(stopped);
  await storage.close();
});

test("closing waits for the flush under way and for what gathered meanwhile", async () => {
  const { file, storage, begin, release } = await heldStorage();
  const first = await begin("a");
  const second = put(storage, [["b", "1"]]);
  await setImmediate();
  let isClosed = false;
  const closing = storage.close().finally(() => {
    isClosed = true;
  });
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  expect(isClosed).toBe(false);
  release();
  await first.done;
  await setImmediate();
  release();
  expect(await second).toBeGreaterThan(0);
  await closing;
  expect(await keysIn(file)).toEqual(["a", "b", "x", "y"]);
});

test("closing while a flush fails rejects what it was for, and closes", async () => {
  const { file, log, storage, begin, release } = await heldStorage();
  const first = await begin("a");
  const closing = storage.close();
  log.failure = new Error("EIO");
  release();
  expect(await first.done).toEqual(stopped);
  await closing;
  expect(await keysIn(file)).toEqual(["a", "x", "y"]);
});

test("a process that is killed, or a machine that goes down, between COMMIT and flush leaves a log that opens", async () => {
  const { file, log, storage, begin, release } = await heldStorage();
  const first = await begin("a");
  const killed = newFile();
  for (const suffix of ["", "-wal", "-shm"]) copyFileSync(file + suffix, killed + suffix);
  const [lost, torn] = [newFile(), newFile()];
  log.crash(lost, () => false);
  let sector = 0;
  log.crash(torn, () => sector++ > 0);
  release();
  await first.done;
  await storage.close();
  expect(await keysIn(killed)).toEqual(["a", "x", "y"]);
  expect(await keysIn(lost)).toEqual(["x", "y"]);
  expect(await keysIn(torn)).toEqual(["x", "y"]);
});

test("a log that cannot be flushed when it is opened is told, and leaves the file to the next who opens it", async () => {
  const file = newFile();
  const log = new RecordedLog();
  log.failure = Object.assign(new Error("EIO"), { code: "EIO" });
  const driver = await loadDriver();
  expect(() => openSqlite(driver, file, {}, log.open)).toThrow(stopped);
  expect(await keysIn(file)).toEqual([]);
});
