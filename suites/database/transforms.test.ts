import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Database,
  type Document,
  type Query,
  type QueryOutcome,
  type TransformDefinition,
} from "../../src/database/index.js";
import { memory } from "../../src/storage/memory/index.js";
import { sqlite } from "../../src/storage/sqlite/index.js";
import type { OpenStorage } from "../../src/storage/storage.js";
import { history, tableIndexes } from "../arbitraries/database.js";
import { shapeSteps } from "../arbitraries/transforms.js";
import { compareAll, historyModel, runHistory } from "./histories.js";
import { FaultyDisk } from "../storage/faulty-storage.js";
import { fullScan, indexRange } from "../setup/open-database.js";
import { historySchema, isKilled, ShapeHistory } from "./shape-histories.js";
import { temporaryFolder } from "../setup/temporary-folder.js";
import { runs } from "../setup/property-runs.js";

interface Watched extends QueryOutcome<Document[]> {
  isTouched: boolean;
}

const path = temporaryFolder();
let files = 0;

const storages: readonly [name: string, runs: number, open: () => OpenStorage][] = [
  ["memory", 15, () => new FaultyDisk(memory()).open],
  ["SQLite", 5, () => sqlite(path(`${files++}.sqlite`), { durability: "relaxed" })],
  ["a storage that takes its time", 4, () => new FaultyDisk(memory(), { delayTurns: 2 }).open],
  ["a storage with conflicts", 4, () => new FaultyDisk(memory(), { conflicts: 0.2 }).open],
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
        const life = await ShapeHistory.begin(openStorage(), chosen);
        for (const step of steps) await life.run(step);
        await life.settle();
      }),
      { numRuns: runs(numRuns) },
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
        const life = await ShapeHistory.begin(disk.open, chosen);
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
          await survive(() => life.run(step));
          disk.crash();
          while (!(await survive(() => life.recover())));
        }
        disk.crashAtCommit(Infinity, "before commit");
        await life.settle();
      },
    ),
    { numRuns: runs(15) },
  );
});

test("a transform that fails on some documents harms no write before it is in force, and no document after a rollback", async () => {
  await fc.assert(
    fc.asyncProperty(history, history, options, fc.boolean(), async (before, meanwhile, chosen, isBuilt) => {
      const database = await Database.open(await memory()(), chosen);
      const model = historyModel();
      database.setTransforms(({ origin }) => (document) => {
        if (origin === "up" && document["a"] === "b") throw new Error("not b");
        return { ...document, c: origin };
      });
      const up = { name: "picky", origin: "up", hasDown: true };
      await database.mutate((tx) => tx.applySchema("", historySchema));
      await runHistory(database, model, before);
      await database.mutate((tx) => tx.prepareIndexes("", historySchema, { through: { left: [up] } }));
      await runHistory(database, model, meanwhile);
      if (isBuilt) await database.background.whenBuilt();
      const hasPoison = model.documents("left").some(({ a }) => a === "b");
      const begin = async (definition: TransformDefinition): Promise<void> => {
        await database.mutate(async (tx) => {
          tx.beginTransform("", "left", definition);
          await tx.applySchema("", historySchema);
        });
      };
      const refusal = await begin(up).catch((error: unknown) => error);
      if (hasPoison && isBuilt) expect(refusal).toMatchObject({ code: "TRANSFORM_FAILED" });
      if (refusal !== undefined) {
        await compareAll(database, model);
        await database.mutate(async (tx) => tx.abandonPrepared(""));
        await begin(up);
      }
      await database.background.whenIdle();
      for (const document of model.documents("left")) {
        const reading = database.query((tx) => tx.component("").get(document._id));
        if (document["a"] === "b") await expect(reading).rejects.toMatchObject({ code: "TRANSFORM_FAILED" });
        else expect((await reading).value).toEqual({ ...document, c: "up" });
      }
      await begin({ ...up, origin: "down", undoes: 1 });
      await database.background.whenIdle();
      for (const document of model.documents("left")) {
        if (document["a"] !== "b") model.set("left", document._id, { ...document, c: "down" });
      }
      await compareAll(database, model);
      expect((await database.query((tx) => tx.transforms())).value).toEqual([]);
    }),
    { numRuns: runs(20) },
  );
});

test("no reader sleeps through a change: what no commit touched since reads as before", async () => {
  await fc.assert(
    fc.asyncProperty(shapeSteps, options, async (steps, chosen) => {
      const life = await ShapeHistory.begin(memory(), chosen);
      const { database } = life;
      const queries = Object.entries(tableIndexes).flatMap(([table, indexes]) => [
        fullScan(table),
        ...Object.keys(indexes).map((name) => indexRange(`${table}.${name}`)),
        indexRange(`${table}.by_a`, ["Gte", "a", "a"]),
        indexRange(`${table}.by_id`),
      ]);
      const watch = async (query: Query): Promise<Watched> => {
        const outcome = await database.query((tx) => tx.component("").stream(query).take(Infinity));
        return { ...outcome, isTouched: false };
      };
      let watched = await Promise.all(queries.map(watch));
      database.onCommit((commit) => {
        for (const one of watched) one.isTouched ||= one.readSet.intersects(commit);
      });
      for (const step of steps) {
        if (step.type === "reopen") continue;
        await life.run(step);
        const now = await Promise.all(queries.map(watch));
        for (const [at, { value, isTouched }] of watched.entries()) {
          if (!isTouched) expect(now[at]?.value).toEqual(value);
        }
        watched = now;
      }
      await life.settle();
    }),
    { numRuns: runs(15) },
  );
});
