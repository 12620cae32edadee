import { setImmediate } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { RecordedLog } from "../../../suites/storage/recorded-log.js";
import { mutate, put } from "../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import { CheckpointFailure } from "./checkpoint-worker.js";
import { Checkpoints } from "./checkpoints.js";
import { loadDriver } from "./driver/load-driver.js";
import { openLog, type OpenLog } from "./file/commit-log.js";
import { openSqlite } from "./sqlite-storage.js";

const inFolder = temporaryFolder();

afterEach(() => {
  vi.restoreAllMocks();
});

/** Checkpoints of a log whose length the test sets; what they do is noted. */
function checkpointsOf({ hasThread = true } = {}) {
  let nowMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => (nowMs += 10));
  const did: string[] = [];
  const log = { frames: 0, flush: () => Promise.resolve(), flushNow: () => {}, close: () => {} };
  const disk = { failure: undefined as Error | undefined, pass: (): Promise<void> => Promise.resolve() };
  const move = async (): Promise<{ frames: number; moved: number }> => {
    did.push("move");
    const { frames } = log;
    await disk.pass();
    if (disk.failure !== undefined) throw disk.failure;
    return { frames, moved: frames };
  };
  const flushData = async (): Promise<void> => void did.push("flush");
  const checkpoints = new Checkpoints(
    {
      ...log,
      flushData,
      get frames() {
        return log.frames;
      },
    },
    {
      startMover: async () => {
        if (!hasThread) throw new Error("no thread");
        return { move, close: async () => void did.push("close") };
      },
      moveNow: () => void did.push("move now"),
      inTurn: async (run) => {
        did.push("wait");
        await run();
        did.push("go on");
      },
      endOldSnapshots: () => void did.push("end snapshots"),
    },
  );
  /** What is done when the log has so many frames. */
  const at = async (frames: number): Promise<string[]> => {
    log.frames = frames;
    checkpoints.consider();
    for (let turn = 0; turn < 3; turn++) await setImmediate();
    return did.splice(0);
  };
  return { log, disk, checkpoints, at, did };
}

const whole = ["move", "flush", "wait", "move", "go on"];

test("the log is moved at 2,500 pages, again after 625 more, and at 2,500 once it has begun anew", async () => {
  const { at } = checkpointsOf();
  expect([await at(2499), await at(2500)]).toEqual([[], whole]);
  expect([await at(3124), await at(3125)]).toEqual([[], whole]);
  expect([await at(10), await at(2499), await at(2500)]).toEqual([[], [], whole]);
});

test("what comes while it is moved is moved beside writers too, until little is left", async () => {
  const { log, disk, at } = checkpointsOf();
  let passes = 0;
  disk.pass = async () => {
    if (passes++ < 2) log.frames += 501;
  };
  expect(await at(2500)).toEqual(["move", "flush", "move", "flush", ...whole]);
});

test("writers wait sooner when the log grows to 10,000 pages meanwhile", async () => {
  const { disk, at } = checkpointsOf();
  let end = (): void => {};
  disk.pass = () =>
    new Promise((resolve) => {
      end = resolve;
    });
  expect(await at(2500)).toEqual(["move"]);
  expect(await at(9999)).toEqual([]);
  expect(await at(10_000)).toEqual(["wait"]);
  disk.pass = () => Promise.resolve();
  end();
  expect(await at(10_000)).toEqual(["flush", "move", "go on"]);
});

test("without a thread it is moved on the event loop, while writers wait", async () => {
  const { at } = checkpointsOf({ hasThread: false });
  expect(await at(2500)).toEqual(["wait", "move now", "go on"]);
});

test("what could not be moved because the disk is full is tried again after 625 pages more", async () => {
  const { disk, at } = checkpointsOf();
  disk.failure = new CheckpointFailure("full", false);
  expect(await at(2600)).toEqual(["move"]);
  disk.failure = undefined;
  expect([await at(3224), await at(3225)]).toEqual([[], whole]);
});

test("after an I/O error nothing is moved any more, and from 1 GiB of log on nothing committed", async () => {
  const { disk, checkpoints, at } = checkpointsOf();
  disk.failure = new CheckpointFailure("disk I/O error", true);
  expect(await at(2500)).toEqual(["move"]);
  disk.failure = undefined;
  expect(await at(9000)).toEqual([]);
  await at(131_071);
  expect(() => checkpoints.assertMayGrow()).not.toThrow();
  await at(131_072);
  expect(() => checkpoints.assertMayGrow()).toThrow(
    expect.objectContaining({ code: "STORAGE_UNAVAILABLE", details: { reason: "disk I/O error" } }),
  );
});

test("from 512 MiB of log on, snapshots of older versions are let go", async () => {
  const { at } = checkpointsOf();
  await at(2500);
  expect(await at(65_535)).not.toContain("end snapshots");
  expect(await at(65_536)).toContain("end snapshots");
});

test("closing waits for what is being moved, takes no turn, and ends the thread", async () => {
  const { disk, checkpoints, at, did } = checkpointsOf();
  let end = (): void => {};
  disk.pass = () =>
    new Promise((resolve) => {
      end = resolve;
    });
  await at(2500);
  const closed = checkpoints.close().then(() => did.push("closed"));
  await setImmediate();
  expect(did).toEqual([]);
  end();
  await closed;
  expect(did.splice(0)).toEqual(["flush", "close", "closed"]);
  expect(await at(9000)).toEqual([]);
});

/** A storage whose log counts as 100 times as long. */
async function stretchedStorage(name: string, moduleName?: string) {
  const driver = await loadDriver();
  const log = new RecordedLog();
  log.stretch = 100;
  const file = inFolder(name);
  const storage = openSqlite(
    { ...driver, ...(moduleName === undefined ? {} : { moduleName }) },
    file,
    {},
    log.open,
  );
  return { file, log, storage };
}

test.each([
  ["in a thread", undefined],
  ["on the event loop, where no thread can be started", "no-such-library"],
])(
  "the log is moved %s and begins anew, while snapshots and transactions come and go",
  async (_where, moduleName) => {
    const { file, storage } = await stretchedStorage(`${moduleName ?? "thread"}.sqlite`, moduleName);
    const log = openLog(file);
    let most = 0;
    let times = 0;
    for (let count = 0, before = 0; count < 2000 && times < 3; count++) {
      await put(storage, [[`${count % 7}`, "x".repeat(4000) + String(count)]]);
      const snapshot = await storage.snapshot();
      await new Promise((resolve) => {
        setTimeout(resolve, 2);
      });
      expect(await snapshot.get(`${count % 7}`)).toMatch(new RegExp(`x${count}$`));
      snapshot.release();
      most = Math.max(most, log.frames);
      if (log.frames < before) times++;
      before = log.frames;
    }
    expect(times).toBe(3);
    await storage.close();
    log.close();
    expect(most).toBeLessThan(1000);
  },
);

test("no flush blocks the event loop while the log is being moved", async () => {
  const recorded = new RecordedLog();
  recorded.stretch = 100;
  const flushes: string[] = [];
  const open: OpenLog = (path) => {
    const log = recorded.open(path);
    return {
      ...log,
      get frames() {
        return log.frames;
      },
      flush: () => {
        flushes.push("beside");
        return log.flush();
      },
      flushNow: () => {
        flushes.push("now");
        log.flushNow();
      },
    };
  };
  const storage = openSqlite(await loadDriver(), inFolder("busy.sqlite"), {}, open);
  // Until the look that finds the log long enough, and has its thread start.
  await put(storage, [["a", "x".repeat(300_000)]]);
  await new Promise((resolve) => {
    setTimeout(resolve, 10);
  });
  await put(storage, [["a", "1"]]);
  const before = flushes.length;
  for (let count = 0; count < 5; count++) await put(storage, [["a", String(count)]]);
  expect(flushes.slice(before)).toEqual(Array.from({ length: 5 }, () => "beside"));
  await storage.close();
});

test("a snapshot that keeps the log from beginning anew is let go when the log has become too long", async () => {
  const { log, storage } = await stretchedStorage("long.sqlite");
  await put(storage, [["a", "1"]]);
  const old = await storage.snapshot();
  await put(storage, [["a", "2"]]);
  expect(await old.get("a")).toBe("1");
  log.stretch = 65_536;
  await setImmediate();
  for (let count = 0; count < 50; count++) {
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
    await mutate(storage, () => [["a", String(count)]]);
  }
  expect(() => old.get("a")).toThrow(expect.objectContaining({ code: "SNAPSHOT_TOO_OLD" }));
  old.release();
  await storage.close();
});
