/**
 * Two databases on one storage, as two processes would have it on a storage that is shared. News of a commit comes
 * late and at different times, so a database that trusts its cache too long is found out.
 */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, onTestFinished, test } from "vitest";
import { Database, type DatabaseOptions, type MutationTransaction } from "../../src/database/index.js";
import { fullScan, indexRange, readAll } from "../setup/open-database.js";
import { Notes } from "./noting-storage.js";
import { SharedHistory } from "./shared-histories.js";
import { parseSchema } from "../../src/schema/index.js";
import type { OpenStorage, StorageTransaction } from "../../src/storage/storage.js";
import { sharedMemory } from "../../src/storage/memory/index.js";
import { LateMemory } from "../setup/late-memory.js";
import { newPostgres } from "../setup/postgres.js";
import { seededRandom } from "../setup/random.js";

function later(turns: number): Promise<void> {
  return turns === 0
    ? Promise.resolve()
    : new Promise((resolve) => setImmediate(() => resolve(later(turns - 1))));
}

interface Place {
  readonly open: OpenStorage;
  readonly random: () => number;
}

const inMemory = (seed: number): Place => new LateMemory(seed);
const places: readonly (readonly [name: string, placeOf: typeof inMemory])[] = [
  ["memory", inMemory],
  ["Postgres", (seed) => ({ open: newPostgres(), random: seededRandom(seed) })],
];

async function openOne({ open }: Place, options?: DatabaseOptions): Promise<Database> {
  const database = await Database.open(await open(), options);
  onTestFinished(() => database.close());
  return database;
}

async function openTwo(seed: number, placeOf = inMemory): Promise<[Database, Database, () => number]> {
  const place = placeOf(seed);
  return [await openOne(place), await openOne(place), place.random];
}

/** As a reader comes to know of what another one was told. */
async function catchUp(database: Database): Promise<void> {
  await database.storage.reached(await database.storage.latest());
}

test.each(places)(
  "each sees at once what the other has committed, tables and indexes too, on %s",
  async (_, placeOf) => {
    const [left, right] = await openTwo(1, placeOf);
    const { value: id } = await left.mutate((tx) => tx.component("").insert("t", { n: 1 }));
    await catchUp(right);
    expect(await readAll(right, fullScan("t"))).toMatchObject([{ _id: id, n: 1 }]);
    for (let n = 2; n < 30; n++) {
      const [writer, reader] = n % 2 === 0 ? [left, right] : [right, left];
      await writer.mutate((tx) => tx.component("").patch(id, { n }));
      await catchUp(reader);
      const { value } = await reader.query((tx) => tx.component("").get(id));
      expect(value).toMatchObject({ n });
      const { value: inMutation } = await reader.mutate((tx) => tx.component("").get(id));
      expect(inMutation).toMatchObject({ n });
    }
    await left.mutate((tx) => tx.ensureTable("", "t", [{ indexDescriptor: "by_n", fields: ["n"] }]));
    await left.background.whenIdle();
    await right.mutate((tx) => tx.component("").insert("t", { n: 0 }));
    await catchUp(left);
    const found = await readAll(left, indexRange("t.by_n"));
    expect(found.map(({ n }) => n)).toEqual([0, 29]);
  },
);

test("a mutation asks a storage that is shared for what nobody has read here, and for nothing else", async () => {
  const disk = new LateMemory(4);
  const notes = new Notes();
  const database = await Database.open(notes.of(await disk.open()));
  const other = await Database.open(await disk.open());
  await database.mutate((tx) => tx.ensureTable("", "t", [{ indexDescriptor: "by_n", fields: ["n"] }]));
  const { value: ids } = await database.mutate(async (tx) => {
    const made: string[] = [];
    for (let n = 0; n < 20; n++) made.push(await tx.component("").insert("t", { n }));
    return made;
  });
  await Promise.all([database.background.whenIdle(), other.background.whenIdle()]);
  const readsOf = async (run: (tx: MutationTransaction) => Promise<unknown>): Promise<number> => {
    notes.reads = 0;
    await database.mutate(run);
    return notes.reads;
  };
  const getTenAndPatch = async (tx: MutationTransaction): Promise<void> => {
    for (const id of ids.slice(0, 10)) await tx.component("").get(id);
    await tx.component("").patch(ids[3] ?? "", { n: 33 });
  };
  expect(await readsOf((tx) => tx.component("").insert("t", { n: 5 }))).toBe(0);
  expect(await readsOf(getTenAndPatch)).toBe(0);
  // What others write takes the place of what is known here.
  await catchUp(other);
  for (const id of ids) await other.mutate((tx) => tx.component("").patch(id, { seen: true }));
  await catchUp(database);
  expect(await readsOf(getTenAndPatch)).toBe(0);
  expect(await readsOf((tx) => tx.component("").count("t"))).toBe(1);
  await other.mutate((tx) => tx.component("").insert("t", { n: 5 }));
  await catchUp(database);
  expect(await readsOf((tx) => tx.component("").count("t"))).toBe(0);
  const listAndInsert = async (tx: MutationTransaction): Promise<void> => {
    await tx.component("").stream(indexRange("t.by_n")).take(9);
    await tx.component("").insert("t", { n: 5 });
  };
  // The entries of the range, and the document that the other one has inserted.
  expect(await readsOf(listAndInsert)).toBe(2);
  expect(await readsOf(listAndInsert)).toBe(1);
});

test("transfers in both leave the sum as it is, in every query of either", async () => {
  const [left, right, random] = await openTwo(2);
  const { value: ids } = await left.mutate(async (tx) => {
    const made: string[] = [];
    for (let n = 0; n < 10; n++) made.push(await tx.component("").insert("accounts", { balance: 100 }));
    return made;
  });
  await catchUp(right);
  const pick = (): string => ids[Math.floor(random() * ids.length)] ?? "";
  const transfer = async (database: Database): Promise<void> => {
    const [from, to] = [pick(), pick()];
    await database.mutate(async (tx) => {
      const app = tx.component("");
      const giver = await app.get(from);
      await app.patch(from, { balance: Number(giver?.["balance"]) - 1 });
      const taker = await app.get(to);
      await app.patch(to, { balance: Number(taker?.["balance"]) + 1 });
    });
  };
  const sumUp = async (database: Database): Promise<void> => {
    await database.query(async (tx) => {
      let sum = 0;
      for (const id of ids) {
        sum += Number((await tx.component("").get(id))?.["balance"]);
        await later(Math.floor(random() * 2));
      }
      expect(sum).toBe(1000);
      expect(await tx.component("").count("accounts")).toBe(10);
    });
  };
  const work = async (database: Database): Promise<void> => {
    for (let time = 0; time < 40; time++) {
      await transfer(database);
      await sumUp(database);
    }
  };
  await Promise.all([work(left), work(right), work(left), work(right)]);
});

test.each(places)(
  "a change of shape in one is one in the other, with its cached documents, and both write it through, on %s",
  async (_, placeOf) => {
    const [left, right, random] = await openTwo(3, placeOf);
    for (const database of [left, right]) {
      database.setTransforms(({ shape }) => (document) => ({ ...document, seen: shape }));
    }
    const { value: ids } = await left.mutate(async (tx) => {
      const made: string[] = [];
      for (let n = 0; n < 30; n++) made.push(await tx.component("").insert("t", { n }));
      return made;
    });
    await catchUp(right);
    for (let shape = 1; shape < 12; shape++) {
      const [writer, reader] = random() < 0.5 ? [left, right] : [right, left];
      await reader.query((tx) => tx.component("").stream(fullScan("t")).take(99));
      await writer.mutate(async (tx) => {
        tx.beginTransform("", "t", { name: `${shape}`, origin: "", hasDown: false });
      });
      await catchUp(reader);
      expect((await readAll(reader, fullScan("t"))).every(({ seen }) => seen === shape)).toBe(true);
      const id = ids[shape] ?? "";
      await reader.mutate((tx) => tx.component("").patch(id, { seen: `patched in ${shape}` }));
      await catchUp(writer);
      expect((await writer.query((tx) => tx.component("").get(id))).value).toMatchObject({
        seen: `patched in ${shape}`,
      });
      if (random() < 0.5) reader.background.wake();
      await later(Math.floor(random() * 20));
    }
    await Promise.all([left.background.whenIdle(), right.background.whenIdle()]);
    await catchUp(right);
    expect((await right.query((tx) => tx.transforms())).value).toEqual([]);
  },
);

const changes: Readonly<Record<string, (tx: MutationTransaction) => Promise<unknown>>> = {
  "an index": (tx) => tx.ensureTable("", "t", [{ indexDescriptor: "by_m", fields: ["m"] }]),
  "a schema": (tx) => tx.applySchema("", parseSchema(defineSchema({ t: defineTable({ n: v.number() }) }))),
  "another shape": async (tx) => tx.beginTransform("", "t", { name: "up", origin: "", hasDown: false }),
  "a program": async (tx) => tx.nameProgram("next"),
};

test.each(Object.keys(changes))("a write that began before %s came runs again under it", async (name) => {
  const [left, right] = await openTwo(5);
  for (const database of [left, right]) database.setTransforms(() => (document) => document);
  await right.mutate((tx) => tx.ensureTable("", "t", []));
  await catchUp(left);
  const found: unknown[] = [];
  await left.mutate(async (tx) => {
    await tx.component("").insert("t", { n: 1 });
    found.push([tx.program, tx.tableShape("", "t"), tx.schemaState("")]);
    if (found.length > 1) return;
    await right.mutate(async (other) => changes[name]?.(other));
  });
  // The write-through changes the head once more when it ends.
  expect(found.length).toBeGreaterThanOrEqual(2);
  await Promise.all([left.background.whenIdle(), right.background.whenIdle()]);
  await Promise.all([catchUp(left), catchUp(right)]);
  expect(await right.check()).toMatchObject({ differences: [], documents: 1 });
});

test("a mutation that threw because of what was never true runs again", async () => {
  const feed: { news?: Promise<void> } = {};
  const disk = sharedMemory({
    before: (step, opening) => (step === "feed" && opening === 0 ? feed.news : undefined),
  });
  const [left, right] = [await Database.open(await disk.open()), await Database.open(await disk.open())];
  const { value: id } = await right.mutate((tx) => tx.component("").insert("t", { owner: "nobody" }));
  await catchUp(left);
  await left.query((tx) => tx.component("").get(id));
  let tell = (): void => {};
  feed.news = new Promise((resolve) => {
    tell = resolve;
  });
  await right.mutate((tx) => tx.component("").patch(id, { isClosedToFirst: true }));
  const taken: unknown[] = [];
  const take = async (tx: MutationTransaction, owner: string): Promise<void> => {
    const document = await tx.component("").get(id);
    taken.push([owner, document?.["owner"]]);
    if (owner === "first" && document?.["isClosedToFirst"] === true) return;
    if (document?.["owner"] !== "nobody") throw new Error("it is taken");
    await tx.component("").patch(id, { owner });
  };
  // The first knows nothing of the other process, and will be refused; the second sees what the first hands over.
  const taking = [left.mutate((tx) => take(tx, "first")), left.mutate((tx) => take(tx, "second"))];
  while (taken.length < 2) await later(1);
  tell();
  await Promise.all(taking);
  expect(taken.slice(0, 2)).toEqual([
    ["first", "nobody"],
    ["second", "first"],
  ]);
  expect((await left.query((tx) => tx.component("").get(id))).value).toMatchObject({ owner: "second" });
});

test("nobody builds on what was refused, also who begins before this process has been told", async () => {
  const disk = sharedMemory();
  const opened = await disk.open();
  let onRefusal = (): void => {};
  const begin = async (): Promise<StorageTransaction> => {
    const transaction = await opened.begin();
    const commit = transaction.commit.bind(transaction);
    transaction.commit = async (request) => {
      try {
        return await commit(request);
      } catch (error) {
        onRefusal();
        for (let microtask = 0; microtask < 200; microtask++) await Promise.resolve();
        throw error;
      }
    };
    return transaction;
  };
  const opening = new Proxy(opened, {
    get: (target, name): unknown => {
      const value: unknown = name === "begin" ? begin : Reflect.get(target, name);
      return typeof value === "function" && name !== "begin" ? value.bind(target) : value;
    },
  });
  const [left, right] = [await Database.open(opening), await Database.open(await disk.open())];
  const { value: id } = await right.mutate((tx) => tx.component("").insert("t", { n: 0 }));
  await catchUp(left);
  await left.query((tx) => tx.component("").get(id));
  let following: Promise<unknown> | undefined;
  onRefusal = () => {
    following ??= left.mutate(async (tx) => {
      await tx.component("").insert("t", { sees: (await tx.component("").get(id))?.["n"] });
    });
  };
  let attempts = 0;
  await left.mutate(async (tx) => {
    await tx.component("").patch(id, { n: (attempts += 1) * 10 });
    if (attempts === 1) await right.mutate((other) => other.component("").patch(id, { n: 1 }));
  });
  await following;
  const [, seen] = await readAll(left, fullScan("t"));
  expect(attempts).toBe(2);
  expect([1, 20]).toContain(seen?.["sees"]);
});

test.each([
  ...[1, 2, 3, 4, 5, 6].map((seed) => ["memory", seed, inMemory] as const),
  ...places.slice(1).map(([name, placeOf]) => [name, 7, placeOf] as const),
])(
  "whatever three databases do to one storage at once, each mutation found what those before it left, on %s, seed %i",
  async (_, seed, placeOf) => {
    const place = placeOf(seed);
    const databases: Database[] = [];
    for (let n = 0; n < 3; n++) databases.push(await openOne(place, { backgroundBatch: 3 }));
    const history = new SharedHistory(databases, place.random);
    await history.run(9, 25);
    expect(history.check()).toEqual([]);
    expect(history.done.length).toBeGreaterThan(150);
    for (const database of databases) await catchUp(database);
    for (const database of databases) expect(await database.check()).toMatchObject({ differences: [] });
  },
);
