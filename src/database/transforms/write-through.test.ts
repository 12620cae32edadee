/** A pass of the write-through ends with the last document, wherever its batches end: transforms retire after it. */
import { afterEach, expect, test, vi } from "vitest";
import { fullScan, mutate, openDatabase, readAll } from "../../../suites/setup/open-database.js";
import type { Database } from "../database.js";
import type { SettledTransform } from "./types.js";

const shout = { name: "shout", origin: "up", hasDown: true } as const;
const batch = 20;

afterEach(() => {
  vi.restoreAllMocks();
});

/** A database with so many documents, whose shape has changed. */
async function withDocuments(
  count: number,
): Promise<{ database: Database; settled: SettledTransform[]; calls: () => number }> {
  const database = await openDatabase({ backgroundBatch: batch });
  let calls = 0;
  database.setTransforms(() => (document) => {
    calls++;
    return { ...document, s: `${document["s"] as string}`.toUpperCase() };
  });
  await mutate(database, async (tx) => {
    await tx.ensureTable("", "t", []);
    for (let n = 0; n < count; n++) await tx.component("").insert("t", { s: `a${n}` });
  });
  const settled: SettledTransform[] = [];
  database.background.onSettled((transform) => settled.push(transform));
  return { database, settled, calls: () => calls };
}

/** The documents as they are at rest: what lags is not read when the transform is gone. */
async function atRest(database: Database): Promise<unknown[]> {
  database.setTransforms(() => undefined);
  return (await readAll(database, fullScan("t"))).map(({ s }) => s);
}

const shouted = (count: number): string[] => Array.from({ length: count }, (_, n) => `A${n}`);

test.each([0, 1, batch - 1, batch, batch + 1, 2 * batch - 1, 2 * batch, 2 * batch + 1])(
  "%d documents are all written through, each once, and then the transform retires",
  async (count) => {
    const { database, settled, calls } = await withDocuments(count);
    await database.mutate(async (tx) => tx.beginTransform("", "t", shout));
    await database.background.whenIdle();
    expect(await atRest(database)).toEqual(shouted(count));
    expect(settled).toMatchObject([{ name: "shout" }]);
    expect(calls()).toBe(count);
  },
);

test.each([15, 16, 17, 32, 33, 50])(
  "a pass over %d documents whose batches run out of time goes on where they ended",
  async (count) => {
    const { database, settled, calls } = await withDocuments(count);
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => (now += 1_000));
    await database.mutate(async (tx) => tx.beginTransform("", "t", shout));
    await database.background.whenIdle();
    vi.restoreAllMocks();
    expect(await atRest(database)).toEqual(shouted(count));
    expect(settled).toMatchObject([{ name: "shout" }]);
    expect(calls()).toBe(count);
  },
);

test.each([19, 20, 21])("of %d documents that fail all are counted, and twenty are named", async (count) => {
  const { database, settled } = await withDocuments(count);
  database.setTransforms(() => () => {
    throw new Error("on purpose");
  });
  await database.mutate(async (tx) => tx.beginTransform("", "t", shout));
  await database.background.whenIdle();
  const { value } = await database.query((tx) => tx.transforms());
  expect(value).toMatchObject([{ processed: count, failed: count }]);
  expect(value[0]?.failures).toHaveLength(Math.min(count, 20));
  expect(settled).toEqual([]);
});

test.each([
  ["as many as a batch takes", 0, [20, 20, 5]],
  ["sixteen, where the time is over by then", 1_000, [16, 16, 13]],
])("a commit of the pass writes %s", async (_what, stepMs, sizes) => {
  const { database } = await withDocuments(45);
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => (now += stepMs));
  const written: number[] = [];
  const stop = database.storage.onCommit(({ writes }) => {
    const documents = writes.filter(([key]) => key.startsWith("\x02")).length;
    if (documents > 0) written.push(documents);
  });
  await database.mutate(async (tx) => tx.beginTransform("", "t", shout));
  await database.background.whenIdle();
  stop();
  expect(written).toEqual(sizes);
});
