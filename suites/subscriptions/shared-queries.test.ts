/** Clients that watch the same queries, while documents change and clients come and go. */
import fc from "fast-check";
import { test } from "vitest";
import { memory } from "../../src/storage/memory/index.js";
import { sqlite } from "../../src/storage/sqlite/index.js";
import type { OpenStorage } from "../../src/storage/storage.js";
import { newPostgres } from "../setup/postgres.js";
import { runs } from "../setup/property-runs.js";
import { temporaryFolder } from "../setup/temporary-folder.js";
import { FaultyDisk } from "../storage/faulty-storage.js";
import { step, WatchingClients, withRows } from "./watching-clients.js";

const path = temporaryFolder();
let files = 0;

const storages: readonly [name: string, numRuns: number, open: () => OpenStorage][] = [
  ["memory", 60, () => memory()],
  ["SQLite", 15, () => sqlite(path(`${files++}.sqlite`), { durability: "relaxed" })],
  ["Postgres", 3, newPostgres],
  ["a storage that takes its time", 30, () => new FaultyDisk(memory(), { delayTurns: 2 }).open],
];

test.each(storages)(
  "every client knows what its queries yield at one commit, on %s",
  async (_, numRuns, openStorage) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
        const { database, rows } = await withRows(openStorage());
        try {
          await new WatchingClients(database, rows).run(steps);
        } finally {
          await database.close();
        }
      }),
      { numRuns: runs(numRuns) },
    );
  },
);
