import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { put, readAll } from "../../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../../suites/setup/temporary-folder.js";
import { sqlite } from "../index.js";

const inFolder = temporaryFolder();
let folders = 0;

const losses: readonly (readonly [what: string, lose: (file: string) => void])[] = [
  ["the data file is deleted", (file) => rmSync(file)],
  ["the lock file is deleted", (file) => rmSync(`${file}-lock`)],
  ["the log is deleted", (file) => rmSync(`${file}-wal`)],
  [
    "the data file is replaced",
    (file) => {
      copyFileSync(file, `${file}-copy`);
      renameSync(`${file}-copy`, file);
    },
  ],
  [
    "the lock file is replaced",
    (file) => {
      rmSync(`${file}-lock`);
      writeFileSync(`${file}-lock`, "");
    },
  ],
  [
    "the folder is moved away",
    (file) => {
      renameSync(dirname(file), `${dirname(file)}-moved`);
      mkdirSync(dirname(file));
    },
  ],
];

for (const durability of ["full", "relaxed"] as const) {
  test.each(losses)(
    `when %s, nothing more is acknowledged or written (${durability})`,
    async (what, lose) => {
      const file = inFolder(`${folders++}/data.sqlite`);
      const storage = await sqlite(file, { durability })();
      await put(storage, [["a", "1"]]);
      await setTimeout(50);
      await put(storage, [["b", "2"]]);
      await setTimeout(10);
      lose(file);
      await expect(put(storage, [["c", "3"]])).rejects.toMatchObject({
        code: "STORAGE_LOST",
        retryable: false,
        message: expect.stringMatching(what.includes("replaced") ? / is another file now\.$/ : / is gone\.$/),
      });
      await expect(put(storage, [["d", "4"]])).rejects.toMatchObject({ code: "STORAGE_LOST" });
      expect((await readAll(storage)).map(([key]) => key)).toEqual(["a", "b"]);
      await storage.close();
    },
  );
}

test("a data file that is put back is written again", async () => {
  const file = inFolder(`${folders++}/data.sqlite`);
  const storage = await sqlite(file)();
  renameSync(file, `${file}-away`);
  await expect(put(storage, [["a", "1"]])).rejects.toMatchObject({ code: "STORAGE_LOST" });
  renameSync(`${file}-away`, file);
  await put(storage, [["b", "2"]]);
  expect((await readAll(storage)).map(([key]) => key)).toEqual(["b"]);
  await storage.close();
});

test("who finds no lock file cannot open what another has open", async () => {
  const file = inFolder(`${folders++}/data.sqlite`);
  const storage = await sqlite(file)();
  await put(storage, [["a", "1"]]);
  rmSync(`${file}-lock`);
  await expect(sqlite(file)()).rejects.toMatchObject({ code: "STORAGE_LOCKED" });
  expect(existsSync(`${file}-lock`)).toBe(false);
  await storage.close();
  const next = await sqlite(file)();
  expect(await readAll(next)).toEqual([["a", "1"]]);
  await next.close();
});
