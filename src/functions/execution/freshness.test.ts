import { expect, test } from "vitest";
import { TrueupError } from "../../errors/index.js";
import type { Storage } from "../../storage/storage.js";
import { Freshness } from "./freshness.js";

/** A storage that knows of commit 5, while others have been told of a later one. */
function behind(acknowledged: number): { storage: Storage; asked: () => number } {
  let version = 5;
  let asked = 0;
  const storage = {
    get version() {
      return version;
    },
    latest: async () => {
      asked += 1;
      return Promise.resolve(acknowledged);
    },
    reached: async (wanted: number) => {
      await Promise.resolve();
      version = Math.max(version, wanted);
    },
  } as unknown as Storage;
  return { storage, asked: () => asked };
}

test("a call catches up once, with what was acknowledged elsewhere", async () => {
  const { storage, asked } = behind(7);
  const freshness = new Freshness(storage, false);
  await freshness.catchUp();
  expect([storage.version, freshness.catchUp(), asked()]).toEqual([7, undefined, 1]);
});

test("one that goes by a commit of its own never asks", () => {
  const { storage, asked } = behind(7);
  expect([new Freshness(storage, true).catchUp(), asked()]).toEqual([undefined, 0]);
});

test.each([
  ["saw less than was acknowledged, runs again", 5, 7, true],
  ["saw all of it, stands", 5, 5, false],
  ["saw a commit that came meanwhile, stands", 7, 7, false],
])("a mutation without a commit that %s", async (_what, seen, acknowledged, isAgain) => {
  const failed = new Error("on purpose");
  expect(await new Freshness(behind(acknowledged).storage, false).mayHaveMissed(seen)).toBe(isAgain);
  expect(await new Freshness(behind(acknowledged).storage, false).mayHaveMissedIn(failed, seen)).toBe(
    isAgain,
  );
});

test("what the storage refused is not run again: it may have been committed", async () => {
  const { storage, asked } = behind(7);
  const refused = new TrueupError("STORAGE_UNAVAILABLE");
  expect([await new Freshness(storage, false).mayHaveMissedIn(refused, 5), asked()]).toEqual([false, 0]);
});

test("a storage that cannot be asked has the next attempt say so", async () => {
  const storage = { latest: () => Promise.reject(new TrueupError("STORAGE_UNAVAILABLE")) };
  const freshness = new Freshness(storage as unknown as Storage, false);
  expect(await freshness.mayHaveMissedIn(new Error("on purpose"), 5)).toBe(true);
});

test("where transactions run one after another nothing is asked or awaited", async () => {
  const storage = { version: 9, latest: () => 9, reached: () => {} } as unknown as Storage;
  const freshness = new Freshness(storage, false);
  expect([freshness.catchUp(), await freshness.mayHaveMissed(3)]).toEqual([undefined, false]);
});
