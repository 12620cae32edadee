import fc from "fast-check";
import { describe, test } from "vitest";
import { memory } from "../src/storage/memory/index.js";
import { sqlite } from "../src/storage/sqlite/index.js";
import type { OpenStorage } from "../src/storage/storage.js";
import { shapeSteps } from "./arbitraries/transforms.js";
import { FaultyDisk } from "./faulty-storage.js";
import { isKilled, ShapeHistory } from "./shape-histories.js";
import { temporaryFolder } from "./temporary-folder.js";

const path = temporaryFolder();
let files = 0;

const storages: readonly [name: string, runs: number, open: () => OpenStorage][] = [
  ["memory", 30, () => new FaultyDisk(memory()).open],
  ["SQLite", 8, () => sqlite(path(`${files++}.sqlite`), { durability: "relaxed" })],
  ["a storage that takes its time", 6, () => new FaultyDisk(memory(), { delayTurns: 2 }).open],
  ["a storage with conflicts", 6, () => new FaultyDisk(memory(), { conflicts: 0.2 }).open],
];

/** Few documents to a batch, so that the write-through is seen half done. */
const options = fc.record({
  cacheBytes: fc.constantFrom(2000, 1 << 20),
  backgroundBatch: fc.integer({ min: 1, max: 8 }),
});

describe.each(storages)("on %s", (_, numRuns, openStorage) => {
  test("every read of a table in transition is the model's, which transforms all documents at once", async () => {
    await fc.assert(
      fc.asyncProperty(shapeSteps, options, async (steps, chosen) => {
        const history = await ShapeHistory.begin(openStorage(), chosen);
        for (const step of steps) await history.run(step);
        await history.settle();
      }),
      { numRuns },
    );
  });
});

test("a process killed at any commit leaves each change of shape in force or not, and goes on from there", async () => {
  await fc.assert(
    fc.asyncProperty(
      shapeSteps,
      options,
      fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom("before commit", "after commit")), {
        minLength: 1,
        maxLength: 6,
      }),
      async (steps, chosen, crashes) => {
        const disk = new FaultyDisk(memory());
        const history = await ShapeHistory.begin(disk.open, chosen);
        const planned = [...crashes];
        const survive = async (run: () => Promise<void>): Promise<boolean> => {
          try {
            await run();
            return true;
          } catch (error) {
            if (!isKilled(error)) throw error;
            return false;
          }
        };
        for (const step of steps) {
          const next = planned.shift();
          if (next !== undefined) disk.crashAtCommit(...next);
          await survive(() => history.run(step));
          disk.crash();
          while (!(await survive(() => history.recover())));
        }
        disk.crashAtCommit(Infinity, "before commit");
        await history.settle();
      },
    ),
    { numRuns: 30 },
  );
});
