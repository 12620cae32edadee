/** How the pool pins versions and keeps connections, on connections that only count. */
import { afterEach, expect, test, vi } from "vitest";
import type { SqliteConnection } from "../driver/driver.js";
import type { EntryReader } from "../entry-reader.js";
import type { Pin } from "./pin.js";
import { seal } from "../damage/seal.js";
import { SnapshotPool } from "./snapshot-pool.js";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A pool, and the writer that it follows: one whose version and state the test sets. */
function poolOf(maxAgeMs = 1000) {
  const latest = { name: "the writer's" } as unknown as EntryReader;
  const writer = {
    durableVersion: 1,
    isClean: true,
    reader: latest,
    flushing: undefined as Promise<void> | undefined,
    assertNotStopped: () => {},
  };
  const log = { opened: 0, closed: 0, begun: 0, ended: 0 };
  const fails = { onEnd: false, onRead: false };
  const open = (): SqliteConnection => {
    log.opened++;
    return {
      exec: () => {},
      prepareRun: (sql) => () => {
        if (sql === "BEGIN") log.begun++;
        if (sql === "END" && fails.onEnd) throw new Error("I/O error");
        if (sql === "END") log.ended++;
      },
      prepareValue: (sql) => () => {
        if (fails.onRead) throw new Error("damaged page");
        return (
          sql.includes("meta") ? seal("meta version", String(writer.durableVersion)) : undefined
        ) as never;
      },
      prepareColumn: () => () => [],
      isInTransaction: () => false,
      close: () => {
        log.closed++;
      },
    };
  };
  const pool = new SnapshotPool(writer, open, maxAgeMs);
  const commit = (): void => {
    pool.beforeWrites();
    pool.beforeCommit(false);
    writer.durableVersion++;
    pool.afterCommit();
  };
  const pin = (): Pin => {
    const acquired = pool.acquire();
    if (acquired instanceof Promise) throw new Error("the pool is full");
    return acquired;
  };
  return { pool, writer, latest, log, fails, commit, pin };
}

test("readers of the latest version share a pin, which costs no connection while nothing is written", () => {
  const { pool, latest, log, pin } = poolOf();
  const first = pin();
  expect(pin()).toBe(first);
  expect(first.users).toBe(2);
  expect([first.version, first.reader, first.hasConnection, log.opened]).toEqual([1, latest, false, 0]);
  pool.release(first);
  pool.release(first);
  expect(pin()).toBe(first);
});

test("a pin moves to a connection of its own before a write, and keeps its version", () => {
  const { latest, log, commit, pin } = poolOf();
  const first = pin();
  commit();
  expect([first.hasConnection, log.opened, log.begun, log.ended]).toEqual([true, 1, 1, 0]);
  expect(first.reader).not.toBe(latest);
  const second = pin();
  expect([second.version, second === first, second.reader]).toEqual([2, false, latest]);
});

test("a pin that nobody reads takes no connection, and the next reader makes a new one", () => {
  const { pool, log, commit, pin } = poolOf();
  const first = pin();
  pool.release(first);
  pool.beforeWrites();
  expect([first.hasConnection, log.opened]).toEqual([false, 0]);
  commit();
  expect(pin()).not.toBe(first);
});

test("a snapshot that begins while something is being written gets a connection at once", () => {
  const { pool, writer, log, pin } = poolOf();
  writer.isClean = false;
  const during = pin();
  expect([during.hasConnection, log.opened]).toEqual([true, 1]);
  pool.beforeWrites();
  expect(log.opened).toBe(1);
  expect(pin()).toBe(during);
  // Nobody reads it any more, so the commit releases it and the log can shrink.
  pool.release(during);
  pool.release(during);
  pool.beforeCommit(false);
  expect(log.ended).toBe(1);
  expect(() => during.reader).toThrow(expect.objectContaining({ code: "SNAPSHOT_TOO_OLD" }));
});

test("a commit leaves the latest pin alone while somebody reads it", () => {
  const { pool, writer, log, pin } = poolOf();
  writer.isClean = false;
  const read = pin();
  pool.beforeCommit(false);
  expect(log.ended).toBe(0);
  expect(pin()).toBe(read);
});

test("a connection is used again when its pin is released, and only then", () => {
  const { pool, log, commit, pin } = poolOf();
  const first = pin();
  const again = pin();
  commit();
  pool.release(first);
  expect(log.ended).toBe(0);
  pool.release(again);
  expect(log).toEqual({ opened: 1, closed: 0, begun: 1, ended: 1 });
  const second = pin();
  commit();
  expect(second.hasConnection).toBe(true);
  expect(log).toEqual({ opened: 1, closed: 0, begun: 2, ended: 1 });
});

test("an outdated pin is let go of when it reaches the age limit, and not before", () => {
  const { commit, pin, pool, log } = poolOf(1000);
  const now = vi.spyOn(performance, "now").mockReturnValue(5000);
  const old = pin();
  commit();
  expect(old.outdatedSinceMs).toBe(5000);
  now.mockReturnValue(5999);
  commit();
  expect(() => old.reader).not.toThrow();
  now.mockReturnValue(6000);
  commit();
  expect(() => old.reader).toThrow(expect.objectContaining({ code: "SNAPSHOT_TOO_OLD" }));
  expect(log.ended).toBe(1);
  pool.release(old);
  expect(log.ended).toBe(1);
});

test("sixteen connections are kept idle, more are closed", () => {
  const { pool, commit, pin, log } = poolOf();
  const pins = Array.from({ length: 20 }, () => {
    const one = pin();
    commit();
    return one;
  });
  expect(log).toMatchObject({ opened: 20, closed: 0 });
  for (const one of pins.slice(0, 16)) pool.release(one);
  expect(log).toMatchObject({ closed: 0, ended: 16 });
  for (const one of pins.slice(16)) pool.release(one);
  expect(log).toMatchObject({ closed: 4, ended: 20 });
});

test("sixty-four versions are pinned at most; who comes later gets the next connection that is free", async () => {
  const { pool, commit, pin, log } = poolOf();
  const pins = Array.from({ length: 64 }, () => {
    const one = pin();
    commit();
    return one;
  });
  const waiting = [pool.acquire(), pool.acquire()];
  expect(waiting.every((one) => one instanceof Promise)).toBe(true);
  pool.release(pins[0] as Pin);
  const late = await waiting[0];
  expect(late?.version).toBe(65);
  pool.release(pins[1] as Pin);
  expect(await waiting[1]).toBe(late);
  expect(log).toMatchObject({ opened: 64, closed: 0 });
});

test("a pin whose connection fails is ended with the reason, and the write goes on", () => {
  const { pool, fails, commit, pin, log } = poolOf();
  const first = pin();
  fails.onRead = true;
  expect(() => commit()).not.toThrow();
  expect(() => first.reader).toThrow("damaged page");
  expect(log).toMatchObject({ opened: 1, closed: 1 });
  fails.onRead = false;
  expect(pin()).not.toBe(first);
  pool.release(first);
});

test("a connection that sees another version than the one to pin is given up", () => {
  const { pool, writer, pin, log } = poolOf();
  const first = pin();
  writer.durableVersion = 7;
  pool.beforeWrites();
  expect(() => first.reader).toThrow("Pinned 7 instead of 1");
  expect(log).toMatchObject({ opened: 1, closed: 1 });
});

test("a connection that cannot end its transaction is closed, not kept", () => {
  const { pool, fails, commit, pin, log } = poolOf();
  const first = pin();
  commit();
  fails.onEnd = true;
  pool.release(first);
  expect(log).toMatchObject({ opened: 1, closed: 1 });
});

test("closing ends every pin, closes every connection, and refuses who waits and who comes", async () => {
  const { pool, commit, pin, log } = poolOf();
  const pins = Array.from({ length: 64 }, () => {
    const one = pin();
    commit();
    return one;
  });
  const waiting = Promise.resolve(pool.acquire());
  pool.close();
  const closed = expect.objectContaining({ code: "STORAGE_CLOSED" });
  await expect(waiting).rejects.toEqual(closed);
  for (const one of pins) expect(() => one.reader).toThrow(closed);
  expect(() => pool.acquire()).toThrow(closed);
  expect(log).toMatchObject({ opened: 64, closed: 64 });
  for (const one of pins) pool.release(one);
  expect(log.ended).toBe(0);
});

test("closing ends the latest pin too", () => {
  const { pool, pin } = poolOf();
  const latest = pin();
  pool.close();
  expect(() => latest.reader).toThrow(expect.objectContaining({ code: "STORAGE_CLOSED" }));
});

/** Commits so that the event loop turns before the flush ends; the function returned ends it. */
function commitBeside({ pool, writer }: Pick<ReturnType<typeof poolOf>, "pool" | "writer">): () => void {
  pool.beforeWrites();
  writer.isClean = false;
  pool.beforeCommit(true);
  let resolve = (): void => {};
  writer.flushing = new Promise((ended) => {
    resolve = ended;
  });
  return () => {
    writer.durableVersion++;
    writer.isClean = true;
    writer.flushing = undefined;
    pool.afterCommit();
    resolve();
  };
}

test("before a COMMIT that is flushed beside, the durable version is pinned for those who come meanwhile", () => {
  const made = poolOf();
  const { pool, log, pin } = made;
  const endFlush = commitBeside(made);
  expect([log.opened, log.begun]).toEqual([1, 1]);
  const during = pin();
  expect([during.version, during.hasConnection]).toEqual([1, true]);
  expect(pin()).toBe(during);
  endFlush();
  expect([log.ended, pin().version]).toEqual([0, 2]);
  pool.release(during);
  pool.release(during);
  expect(log.ended).toBe(1);
});

test("a pin that nobody asked for during the flush is let go when it ends", () => {
  const made = poolOf();
  commitBeside(made)();
  expect(made.log).toEqual({ opened: 1, closed: 0, begun: 1, ended: 1 });
});

test("where the durable version could not be pinned, snapshots wait for the flush", async () => {
  const made = poolOf();
  made.fails.onRead = true;
  const endFlush = commitBeside(made);
  made.fails.onRead = false;
  const waiting = made.pool.acquire();
  expect(waiting).toBeInstanceOf(Promise);
  endFlush();
  expect((await waiting).version).toBe(2);
});

test("a writer that has stopped gives no new pin, but those there are can be read", () => {
  const made = poolOf();
  commitBeside(made);
  made.writer.assertNotStopped = () => {
    throw new Error("stopped");
  };
  expect(made.pin().version).toBe(1);
  const other = poolOf();
  other.writer.assertNotStopped = made.writer.assertNotStopped;
  expect(() => other.pin()).toThrow("stopped");
});

test("pins of older versions can be let go before their time, the latest one stays", () => {
  const { pool, log, commit, pin } = poolOf();
  const old = pin();
  commit();
  const latest = pin();
  pool.endOutdated();
  expect(() => old.reader).toThrow(expect.objectContaining({ code: "SNAPSHOT_TOO_OLD" }));
  expect(() => latest.reader).not.toThrow();
  pool.release(old);
  expect(log).toEqual({ opened: 1, closed: 0, begun: 1, ended: 1 });
});
