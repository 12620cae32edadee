import fc from "fast-check";
import { expect, test } from "vitest";
import { Database } from "../../src/database/index.js";
import { isTrueupError } from "../../src/errors/index.js";
import { memory } from "../../src/storage/memory/index.js";
import { history } from "../arbitraries/database.js";
import { compareAll, createIndexes, historyModel, runHistory } from "./histories.js";
import { FaultyDisk } from "../storage/faulty-storage.js";
import { fullScan, indexRange, readAll } from "../setup/open-database.js";

test("concurrent mutations on a storage that conflicts lose no update", async () => {
  const disk = new FaultyDisk(memory(), { conflicts: 0.2, delayTurns: 2, seed: 7 });
  const database = await Database.open(await disk.open());
  const id = (await database.mutate((tx) => tx.component("").insert("counters", { n: 0 }))).value;
  let attempts = 0;
  const increment = async (): Promise<void> => {
    await database.mutate(async (tx) => {
      attempts++;
      const app = tx.component("");
      const counter = await app.get(id);
      await app.patch(id, { n: Number(counter?.["n"]) + 1 });
      await app.insert("log", { n: counter?.["n"] ?? null });
    });
  };
  await Promise.all(Array.from({ length: 40 }, increment));
  expect(await readAll(database, fullScan("counters"))).toMatchObject([{ n: 40 }]);
  const log = await readAll(database, fullScan("log"));
  expect(log.map(({ n }) => n)).toEqual(Array.from({ length: 40 }, (_, n) => n));
  expect((await database.query((tx) => tx.component("").count("log"))).value).toBe(40);
  expect(attempts).toBeGreaterThan(40);
});

test("a storage that conflicts for ever is given up on", async () => {
  const disk = new FaultyDisk(memory());
  const database = await Database.open(await disk.open());
  disk.failNextCommits(...Array.from({ length: 50 }, () => "STORAGE_CONFLICT" as const));
  const running = database.mutate((tx) => tx.component("").insert("t", {}));
  await expect(running).rejects.toMatchObject({ code: "STORAGE_CONFLICT" });
});

test("what a full disk refuses is gone, from the cache and the catalog too", async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
      async (transactions, full) => {
        const disk = new FaultyDisk(memory());
        const database = await Database.open(await disk.open());
        const model = historyModel();
        await createIndexes(database);
        for (const [at, transaction] of transactions.entries()) {
          const undo = model.save();
          const isFull = full[at % full.length] === true && !transaction.fails;
          if (isFull) disk.failNextCommits("STORAGE_FULL");
          try {
            await runHistory(database, model, [transaction]);
          } catch (error) {
            if (!isTrueupError(error) || error.code !== "STORAGE_FULL") throw error;
            undo();
          }
          // A transaction that only read has not met the full disk.
          await database.mutate((tx) => tx.system("").insert("_other", {})).catch(() => {});
          await compareAll(database, model);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("an index build that is killed anywhere goes on when the database is opened again", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom("before commit" as const, "after commit" as const),
      async (crashes, point) => {
        const disk = new FaultyDisk(memory());
        let database = await Database.open(await disk.open());
        await database.mutate(
          async (tx) => {
            for (let n = 0; n < 2200; n++) await tx.component("").insert("t", { n: n % 50, m: n });
          },
          { limits: null },
        );
        const indexes = [
          { indexDescriptor: "by_n", fields: ["n"] },
          { indexDescriptor: "by_m", fields: ["m"] },
        ];
        for (const [round, commits] of crashes.entries()) {
          disk.crashAtCommit(commits, point);
          await database.mutate((tx) => tx.ensureTable("", "t", indexes)).catch(() => {});
          const [victim] = await readAll(database, fullScan("t")).catch(() => []);
          const write = database.mutate(async (tx) => {
            await tx.component("").insert("t", { n: -1 - round, m: -1 - round });
            if (victim !== undefined) await tx.component("").delete(victim._id);
          });
          await write.catch(() => {});
          await database.background.whenIdle().catch(() => {});
          disk.crash();
          database = await Database.open(await disk.open());
        }
        await database.mutate((tx) => tx.ensureTable("", "t", indexes));
        await database.background.whenIdle();
        const documents = await readAll(database, fullScan("t"));
        for (const field of ["n", "m"]) {
          const sorted = documents.map((one) => Number(one[field])).sort((a, b) => a - b);
          const indexed = await readAll(database, indexRange(`t.by_${field}`));
          expect(indexed.map((one) => one[field])).toEqual(sorted);
        }
        const { value } = await database.query((tx) => tx.component("").count("t"));
        expect(value).toBe(documents.length);
      },
    ),
    { numRuns: 12 },
  );
});

test("a table whose creation failed is not known, and those before it still are", async () => {
  const disk = new FaultyDisk(memory());
  const database = await Database.open(await disk.open());
  const { value: id } = await database.mutate((tx) => tx.component("").insert("t", {}));
  let lost = "";
  disk.failNextCommits("STORAGE_FULL");
  const failing = database.mutate(async (tx) => {
    lost = await tx.component("").insert("u", {});
  });
  await expect(failing).rejects.toMatchObject({ code: "STORAGE_FULL" });
  expect([database.tableOfId("", id), database.tableOfId("", lost)]).toEqual(["t", null]);
});
