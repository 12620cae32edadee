import { describe, expect, test } from "vitest";
import { Database, type QueryTransaction, type TransformDefinition } from "../../src/database/index.js";
import { memory } from "../../src/storage/memory/index.js";
import { sqlite } from "../../src/storage/sqlite/index.js";
import type { OpenStorage } from "../../src/storage/storage.js";
import { FaultyDisk } from "../storage/faulty-storage.js";
import { fullScan, indexRange, readAll } from "../setup/open-database.js";
import { seededRandom } from "../setup/random.js";
import { temporaryFolder } from "../setup/temporary-folder.js";

const path = temporaryFolder();
const accounts = 20;
const total = accounts * 100;

const storages: readonly [name: string, open: OpenStorage][] = [
  ["memory", memory()],
  ["SQLite", sqlite(path("bank.sqlite"))],
  ["a storage that takes its time", new FaultyDisk(memory(), { delayTurns: 3, seed: 5 }).open],
  ["a storage with conflicts", new FaultyDisk(memory(), { conflicts: 0.1, delayTurns: 1, seed: 6 }).open],
];

const toCents: TransformDefinition = { name: "cents", origin: "up", hasDown: true };

/** In even shapes a balance is a number of euros, in odd ones an object with cents. */
function euros(shape: number, balance: unknown): number {
  if (shape % 2 === 0) return Number(balance);
  return (balance as { cents: number }).cents / 100;
}

function balanceOf(shape: number, amount: number): number | { cents: number } {
  return shape % 2 === 0 ? amount : { cents: amount * 100 };
}

describe.each(storages)("on %s", (_, open) => {
  test.each([1 << 20, 3000])(
    "transactions see all documents of a table in one shape, while it changes back and forth, with a cache of %d bytes",
    async (cacheBytes) => {
      const database = await Database.open(await open(), { cacheBytes, backgroundBatch: 3 });
      database.setTransforms(({ origin, shape }) => (document) => ({
        ...document,
        balance: balanceOf(shape, euros(origin === "up" ? 0 : 1, document["balance"])),
      }));
      const random = seededRandom(cacheBytes);
      const indexes = [{ indexDescriptor: "by_balance", fields: ["balance"] }];
      const { value: ids } = await database.mutate(async (tx) => {
        tx.removeTable("", "accounts");
        await tx.ensureTable("", "accounts", indexes);
        const made: string[] = [];
        for (let n = 0; n < accounts; n++) {
          made.push(await tx.component("").insert("accounts", { balance: 100 }));
        }
        return made;
      });
      const pick = (): string => ids[Math.floor(random() * accounts)] ?? "";
      const transfer = async (): Promise<void> => {
        const [from, to] = [pick(), pick()];
        await database.mutate(async (tx) => {
          const app = tx.component("");
          const shape = tx.tableShape("", "accounts");
          const add = async (id: string, amount: number): Promise<void> => {
            const before = euros(shape, (await app.get(id))?.["balance"]);
            await app.patch(id, { balance: balanceOf(shape, before + amount) });
          };
          const amount = Math.floor(random() * 10);
          await add(from, -amount);
          await add(to, amount);
        });
      };
      const sumUp = async (tx: QueryTransaction): Promise<void> => {
        const shape = tx.tableShape("", "accounts");
        const app = tx.component("");
        let sum = 0;
        for (const id of ids) {
          sum += euros(shape, (await app.get(id))?.["balance"]);
          if (random() < 0.1) await new Promise((resolve) => setImmediate(resolve));
        }
        const scanned = await app.stream(fullScan("accounts")).take(99);
        const sums = [sum, scanned.reduce((all, { balance }) => all + euros(shape, balance), 0)];
        expect(sums).toEqual([total, total]);
      };
      const changeShape = async (): Promise<void> => {
        await database.mutate(async (tx) => {
          const shape = tx.tableShape("", "accounts");
          const back = { ...toCents, origin: "down", undoes: shape };
          tx.beginTransform("", "accounts", shape % 2 === 0 ? toCents : back);
          await tx.ensureTable("", "accounts", indexes);
        });
      };
      for (let round = 0; round < 12; round++) {
        const queries = Array.from({ length: 4 }, () => database.query(sumUp));
        await Promise.all([
          ...queries,
          transfer(),
          transfer(),
          changeShape(),
          transfer(),
          database.query(sumUp),
        ]);
        if (round % 4 === 3) await database.background.whenIdle();
      }
      await database.background.whenIdle();
      expect((await database.query((tx) => tx.transforms())).value).toEqual([]);
      const scanned = await readAll(database, fullScan("accounts"));
      const indexed = await readAll(database, indexRange("accounts.by_balance"));
      expect(indexed.toSorted((a, b) => a._creationTime - b._creationTime)).toEqual(scanned);
      await database.close();
    },
  );
});
