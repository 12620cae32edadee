import { describe, expect, test } from "vitest";
import { Database, type QueryTransaction } from "../../src/database/index.js";
import { memory } from "../../src/storage/memory/index.js";
import { sqlite } from "../../src/storage/sqlite/index.js";
import type { OpenStorage } from "../../src/storage/storage.js";
import { FaultyDisk } from "../storage/faulty-storage.js";
import { newPostgres } from "../setup/postgres.js";
import { fullScan, indexRange, readAll } from "../setup/open-database.js";
import { seededRandom } from "../setup/random.js";
import { temporaryFolder } from "../setup/temporary-folder.js";

const path = temporaryFolder();
const accounts = 20;
const total = accounts * 100;

const storages: readonly [name: string, open: OpenStorage][] = [
  ["memory", memory()],
  ["SQLite", sqlite(path("bank.sqlite"))],
  ["Postgres", newPostgres()],
  ["a storage that takes its time", new FaultyDisk(memory(), { delayTurns: 3, seed: 3 }).open],
  ["a storage with conflicts", new FaultyDisk(memory(), { conflicts: 0.1, delayTurns: 1, seed: 4 }).open],
];

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe.each(storages)("on %s", (_, open) => {
  test.each([64 * (1 << 20), 3000])(
    "every query sees whole transfers only, with a cache of %d bytes",
    async (cacheBytes) => {
      const database = await Database.open(await open(), { cacheBytes });
      const random = seededRandom(cacheBytes);
      const pick = (): number => Math.floor(random() * accounts);
      await database.mutate(async (tx) => {
        tx.removeTable("", "accounts");
        await tx.ensureTable("", "accounts", [{ indexDescriptor: "by_balance", fields: ["balance"] }]);
      });
      const { value: ids } = await database.mutate(async (tx) => {
        const made: string[] = [];
        for (let n = 0; n < accounts; n++) {
          made.push(await tx.component("").insert("accounts", { balance: 100 }));
        }
        return made;
      });

      const transfer = async (): Promise<void> => {
        const from = ids[pick()] ?? "";
        const to = ids[pick()] ?? "";
        await database.mutate(async (tx) => {
          const app = tx.component("");
          const amount = Math.floor(random() * 10);
          const giver = await app.get(from);
          await app.patch(from, { balance: Number(giver?.["balance"]) - amount });
          if (random() < 0.2) await turn();
          const taker = await app.get(to);
          await app.patch(to, { balance: Number(taker?.["balance"]) + amount });
        });
      };
      const sumUp = async (tx: QueryTransaction): Promise<void> => {
        const app = tx.component("");
        let byId = 0;
        for (const id of ids) {
          byId += Number((await app.get(id))?.["balance"]);
          if (random() < 0.1) await turn();
        }
        const scanned = await app.stream(fullScan("accounts")).take(Infinity);
        const indexed = await app.stream(indexRange("accounts.by_balance")).take(Infinity);
        const sum = (documents: typeof scanned): number =>
          documents.reduce((so, { balance }) => so + Number(balance), 0);
        expect([byId, sum(scanned), sum(indexed)]).toEqual([total, total, total]);
      };

      const busy = async (times: number, run: () => Promise<unknown>): Promise<void> => {
        for (let time = 0; time < times; time++) await run();
      };
      await Promise.all([
        ...Array.from({ length: 8 }, () => busy(25, transfer)),
        ...Array.from({ length: 4 }, () => busy(15, () => database.query(sumUp))),
        busy(10, () => database.mutate(sumUp)),
      ]);
      expect(await readAll(database, fullScan("accounts"))).toHaveLength(accounts);
      await database.close();
    },
  );
});
