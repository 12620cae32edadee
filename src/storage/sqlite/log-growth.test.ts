import { statSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { mutate } from "../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import { sqlite } from "./index.js";

const inFolder = temporaryFolder();

test("the log does not grow without end while queries come and go", async () => {
  const file = inFolder("data.sqlite");
  const storage = await sqlite(file, { durability: "relaxed" })();
  const value = "x".repeat(100_000);
  for (let count = 0; count < 400; count++) {
    await mutate(storage, () => [["a", value + String(count)]]);
    const snapshot = await storage.snapshot();
    await snapshot.get("a");
    snapshot.release();
  }
  // 40 MB were written.
  expect(statSync(`${file}-wal`).size).toBeLessThan(15_000_000);
  await storage.close();
  expect(statSync(`${file}-wal`, { throwIfNoEntry: false })).toBeUndefined();
});

test("nor while durable commits of several callers gather, and queries come meanwhile", async () => {
  const file = inFolder("durable.sqlite");
  const storage = await sqlite(file)();
  const value = "x".repeat(100_000);
  await Promise.all(
    Array.from({ length: 4 }, async (_, caller) => {
      for (let count = 0; count < 150; count++) {
        await setImmediate();
        await mutate(storage, () => [[`${caller}`, value + String(count)]]);
        const snapshot = await storage.snapshot();
        await setImmediate();
        await snapshot.get("0");
        snapshot.release();
      }
    }),
  );
  // 60 MB were written.
  expect(statSync(`${file}-wal`).size).toBeLessThan(35_000_000);
  await storage.close();
});
