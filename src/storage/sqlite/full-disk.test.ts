import { expect, test } from "vitest";
import { mutate, put, readAll } from "../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import { sqlite } from "./index.js";

const inFolder = temporaryFolder();

test("a commit that needs more room than there is fails whole, and the storage stays usable", async () => {
  const storage = await sqlite(inFolder("small.sqlite"), { maxSizeBytes: 400_000 })();
  const value = "x".repeat(1000);
  await put(storage, [["kept", "1"]]);
  const tooMuch = Array.from({ length: 1000 }, (_, index) => [`k${index}`, value] as const);
  await expect(put(storage, tooMuch)).rejects.toMatchObject({ code: "STORAGE_FULL", retryable: false });
  expect(await readAll(storage)).toEqual([["kept", "1"]]);

  // Among mutations that share a commit, only the one that does not fit fails.
  const together = await Promise.allSettled([
    put(storage, [["a", "1"]]),
    put(storage, tooMuch),
    put(storage, [["b", "2"]]),
  ]);
  expect(together.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect((await readAll(storage)).map(([key]) => key)).toEqual(["a", "b", "kept"]);

  // Fill it to the brim, one by one, then make room.
  let count = 0;
  await expect(
    (async () => {
      for (;;) await put(storage, [[`fill${count++}`, value]]);
    })(),
  ).rejects.toMatchObject({ code: "STORAGE_FULL" });
  expect((await readAll(storage)).length).toBe(3 + count - 1);
  await mutate(storage, () =>
    Array.from({ length: count }, (_, index) => [`fill${index}`, undefined] as const),
  );
  await put(storage, tooMuch.slice(0, 50));
  expect((await readAll(storage)).length).toBe(53);
  await storage.close();
});
