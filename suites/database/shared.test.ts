/**
 * Two databases on one storage, as two processes would have it on a storage that is shared. News of a commit comes
 * late and at different times, so a database that trusts its cache too long is found out.
 */
import { expect, test } from "vitest";
import { Database } from "../../src/database/index.js";
import { memory } from "../../src/storage/memory/index.js";
import type { Commit, Storage } from "../../src/storage/storage.js";
import { fullScan, indexRange, readAll } from "../setup/open-database.js";
import { seededRandom } from "../setup/random.js";

function later(turns: number): Promise<void> {
  return turns === 0
    ? Promise.resolve()
    : new Promise((resolve) => setImmediate(() => resolve(later(turns - 1))));
}

/** The storage as one of several processes sees it. */
function shared(inner: Storage, newsTurns: () => number): Storage {
  let news: Promise<void> = Promise.resolve();
  return {
    capabilities: { ...inner.capabilities, shared: true },
    get version() {
      return inner.version;
    },
    latest: () => inner.latest(),
    reached: (version) => inner.reached(version),
    snapshot: () => inner.snapshot(),
    begin: () => inner.begin(),
    onCommit: (listener: (commit: Commit) => void) =>
      inner.onCommit((commit) => {
        news = news.then(() => later(newsTurns())).then(() => listener(commit));
      }),
    close: async () => {},
  };
}

async function openTwo(seed: number): Promise<[Database, Database, () => number]> {
  const random = seededRandom(seed);
  const inner = await memory()();
  const newsTurns = (): number => Math.floor(random() * 8);
  const left = await Database.open(shared(inner, newsTurns));
  const right = await Database.open(shared(inner, newsTurns));
  return [left, right, random];
}

test("each sees at once what the other has committed, tables and indexes too", async () => {
  const [left, right] = await openTwo(1);
  const { value: id } = await left.mutate((tx) => tx.component("").insert("t", { n: 1 }));
  expect(await readAll(right, fullScan("t"))).toMatchObject([{ _id: id, n: 1 }]);
  for (let n = 2; n < 30; n++) {
    const [writer, reader] = n % 2 === 0 ? [left, right] : [right, left];
    await writer.mutate((tx) => tx.component("").patch(id, { n }));
    const { value } = await reader.query((tx) => tx.component("").get(id));
    expect(value).toMatchObject({ n });
    const { value: inMutation } = await reader.mutate((tx) => tx.component("").get(id));
    expect(inMutation).toMatchObject({ n });
  }
  await left.mutate((tx) => tx.ensureTable("", "t", [{ indexDescriptor: "by_n", fields: ["n"] }]));
  await left.background.whenIdle();
  await right.mutate((tx) => tx.component("").insert("t", { n: 0 }));
  const found = await readAll(left, indexRange("t.by_n"));
  expect(found.map(({ n }) => n)).toEqual([0, 29]);
});

test("transfers in both leave the sum as it is, in every query of either", async () => {
  const [left, right, random] = await openTwo(2);
  const { value: ids } = await left.mutate(async (tx) => {
    const made: string[] = [];
    for (let n = 0; n < 10; n++) made.push(await tx.component("").insert("accounts", { balance: 100 }));
    return made;
  });
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

test("a change of shape in one is one in the other, with its cached documents, and both write it through", async () => {
  const [left, right, random] = await openTwo(3);
  for (const database of [left, right]) {
    database.setTransforms(({ shape }) => (document) => ({ ...document, seen: shape }));
  }
  const { value: ids } = await left.mutate(async (tx) => {
    const made: string[] = [];
    for (let n = 0; n < 30; n++) made.push(await tx.component("").insert("t", { n }));
    return made;
  });
  for (let shape = 1; shape < 12; shape++) {
    const [writer, reader] = random() < 0.5 ? [left, right] : [right, left];
    await reader.query((tx) => tx.component("").stream(fullScan("t")).take(99));
    await writer.mutate(async (tx) => {
      tx.beginTransform("", "t", { name: `${shape}`, origin: "", hasDown: false });
    });
    expect((await readAll(reader, fullScan("t"))).every(({ seen }) => seen === shape)).toBe(true);
    const id = ids[shape] ?? "";
    await reader.mutate((tx) => tx.component("").patch(id, { seen: `patched in ${shape}` }));
    expect((await writer.query((tx) => tx.component("").get(id))).value).toMatchObject({
      seen: `patched in ${shape}`,
    });
    if (random() < 0.5) reader.background.wake();
    await later(Math.floor(random() * 20));
  }
  await Promise.all([left.background.whenIdle(), right.background.whenIdle()]);
  expect((await right.query((tx) => tx.transforms())).value).toEqual([]);
});
