/** Which versions are held, for how long, and when their snapshots are released. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TrueupError } from "../errors/index.js";
import type { MaybePromise } from "../storage/storage.js";
import { HeldSnapshots } from "./held-snapshots.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Held snapshots of a storage whose version the test sets. `open` has the versions of snapshots that are not released. */
function holder() {
  const open: number[] = [];
  const snapshotAt = (version: number) => {
    open.push(version);
    let isReleased = false;
    const release = () => {
      if (!isReleased) open.splice(open.indexOf(version), 1);
      isReleased = true;
    };
    return { version, release, get: () => undefined, getMany: () => [], scan: () => [] };
  };
  const storage = {
    version: 1,
    latest: () => storage.version,
    reached: (): MaybePromise<void> => {},
    snapshot: () => snapshotAt(storage.version),
  };
  /** Of another process on the same data, whose storage keeps the versions from `oldest` on. */
  const elsewhere = (oldest: number) => {
    const shared = {
      ...storage,
      snapshotAt: (version: number) => {
        if (version < oldest) throw new TrueupError("SNAPSHOT_TOO_OLD");
        return snapshotAt(version);
      },
    };
    return { shared, held: new HeldSnapshots(shared) };
  };
  return { storage, open, held: new HeldSnapshots(storage), elsewhere };
}

const versionOf = ({ version }: { readonly version: number }) => Promise.resolve(version);
const notHeld = expect.objectContaining({ code: "TIMESTAMP_NOT_HELD" }) as Error;

test("a version can be read for 30 seconds after somebody asked for it last, and holds one snapshot", async () => {
  const { held, open } = holder();
  await held.hold();
  vi.advanceTimersByTime(20_000);
  expect([await held.hold(), open]).toEqual([1, [1]]);
  vi.advanceTimersByTime(29_999);
  expect(await held.read(1, versionOf)).toBe(1);
  vi.advanceTimersByTime(1);
  expect(open).toEqual([]);
  await expect(held.read(1, versionOf)).rejects.toEqual(notHeld);
});

test("a version that another process has given is read from history, as long as the storage keeps it", async () => {
  const { open, elsewhere } = holder();
  const { held, shared } = elsewhere(3);
  shared.version = 5;
  expect(await held.read(3, versionOf)).toBe(3);
  expect(open).toEqual([]);
  await expect(held.read(2, versionOf)).rejects.toEqual(notHeld);
  await expect(held.read(6, versionOf)).rejects.toEqual(notHeld);
});

test("a version that another process has given is waited for, and its snapshot let go when reading fails", async () => {
  const { open, elsewhere } = holder();
  const { held, shared } = elsewhere(1);
  shared.reached = async () => {
    await Promise.resolve();
    shared.version = 7;
  };
  expect(await held.read(7, versionOf)).toBe(7);
  const failing = held.read(7, () => Promise.reject(new Error("on purpose")));
  await expect(failing).rejects.toThrow("on purpose");
  expect(open).toEqual([]);
});

test("nothing is held before somebody asks", async () => {
  const { held, open } = holder();
  await expect(held.read(1, versionOf)).rejects.toEqual(notHeld);
  expect(open).toEqual([]);
});

test("32 versions are held, and one more takes the place of the one that was used longest ago", async () => {
  const { storage, held, open } = holder();
  for (; storage.version <= 32; storage.version++) await held.hold();
  await held.read(1, versionOf);
  await held.hold();
  expect(open).toHaveLength(32);
  expect(await held.read(1, versionOf)).toBe(1);
  await expect(held.read(2, versionOf)).rejects.toEqual(notHeld);
});

test("a snapshot that is being read is released when its last reader has ended", async () => {
  const { held, open } = holder();
  await held.hold();
  const ends: (() => void)[] = [];
  const reading = [1, 2].map(() => held.read(1, () => new Promise<void>((resolve) => ends.push(resolve))));
  held.close();
  await expect(held.read(1, versionOf)).rejects.toEqual(notHeld);
  ends[0]?.();
  await reading[0];
  expect(open).toEqual([1]);
  ends[1]?.();
  await reading[1];
  expect(open).toEqual([]);
});

test("a reader that fails gives its snapshot back", async () => {
  const { held, open } = holder();
  await held.hold();
  await expect(held.read(1, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  held.close();
  expect(open).toEqual([]);
});
