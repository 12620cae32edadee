import fc from "fast-check";
import { describe, test } from "vitest";
import { Database } from "../../src/database/index.js";
import { memory } from "../../src/storage/memory/index.js";
import { sqlite } from "../../src/storage/sqlite/index.js";
import type { OpenStorage } from "../../src/storage/storage.js";
import { history } from "../arbitraries/database.js";
import { compareAllAndSizes, createIndexes, historyModel, runHistory } from "./histories.js";
import { FaultyDisk } from "../storage/faulty-storage.js";
import { temporaryFolder } from "../setup/temporary-folder.js";
import { newPostgres } from "../setup/postgres.js";
import { runs } from "../setup/property-runs.js";

const path = temporaryFolder();
let files = 0;

const storages: readonly [name: string, runs: number, open: () => OpenStorage][] = [
  ["memory", 60, () => memory()],
  ["SQLite", 15, () => sqlite(path(`${files++}.sqlite`), { durability: "relaxed" })],
  ["Postgres", 3, newPostgres],
  ["a storage that takes its time", 12, () => new FaultyDisk(memory(), { delayTurns: 2 }).open],
  ["a storage with conflicts", 12, () => new FaultyDisk(memory(), { conflicts: 0.2 }).open],
];

describe.each(storages)("on %s", (_, numRuns, openStorage) => {
  test("random histories of writes, queries, pages and sub-transactions answer as the model does", async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.boolean(), async (transactions, cachesLittle) => {
        const options = cachesLittle ? { cacheBytes: 2000 } : {};
        const database = await Database.open(await openStorage()(), options);
        try {
          await createIndexes(database);
          await runHistory(database, historyModel(), transactions, compareAllAndSizes);
        } finally {
          await database.close();
        }
      }),
      { numRuns: runs(numRuns) },
    );
  });

  test("indexes that come after the documents answer as if they had always been there", async () => {
    await fc.assert(
      fc.asyncProperty(history, history, async (before, after) => {
        const storage = await openStorage()();
        const database = await Database.open(storage);
        try {
          const model = historyModel();
          const writes = before.map(({ fails, steps }) => ({
            fails,
            steps: steps.filter(({ type }) => ["insert", "patch", "replace", "delete"].includes(type)),
          }));
          await runHistory(database, model, writes, async () => {});
          await createIndexes(database);
          await compareAllAndSizes(database, model);
          await runHistory(database, model, after, compareAllAndSizes);
        } finally {
          await database.close();
        }
      }),
      { numRuns: runs(numRuns / 3) },
    );
  });
});

test("what was written is there when the database is opened again", async () => {
  await fc.assert(
    fc.asyncProperty(history, history, async (before, after) => {
      const disk = new FaultyDisk(memory());
      const model = historyModel();
      const first = await Database.open(await disk.open());
      await createIndexes(first);
      await runHistory(first, model, before, compareAllAndSizes);
      await first.close();
      const second = await Database.open(await disk.open());
      await compareAllAndSizes(second, model);
      await runHistory(second, model, after, compareAllAndSizes);
      await second.close();
    }),
    { numRuns: runs(12) },
  );
});
