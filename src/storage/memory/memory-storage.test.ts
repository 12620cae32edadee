import { expect, test } from "vitest";
import { put } from "../../../suites/storage/storage-calls.js";
import { storageContract } from "../../../suites/storage/storage-contract.js";
import { memory } from "./index.js";

storageContract("memory", () => memory());

test("versions rise when the clock stands still or jumps back", async () => {
  const times = [2000, 2000, 1, 3000];
  const storage = await memory({ clock: () => times.shift() ?? 0 })();
  const versions = [];
  for (let count = 0; count < 4; count++) versions.push(await put(storage, [["a", "1"]]));
  expect(versions).toEqual([2_000_000, 2_000_001, 2_000_002, 3_000_000]);
  await storage.close();
});

test("it tells whether somebody waits for a transaction", async () => {
  const storage = await memory()();
  const first = await storage.begin();
  expect(storage.hasWaiting).toBe(false);
  const second = storage.begin();
  expect(storage.hasWaiting).toBe(true);
  first.rollback();
  (await second).rollback();
  expect(storage.hasWaiting).toBe(false);
  await storage.close();
});
