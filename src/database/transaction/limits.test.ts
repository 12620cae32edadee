import { expect, test } from "vitest";
import { fullScan, indexRange, openDatabase } from "../../../suites/setup/open-database.js";
import type { Database } from "../database.js";
import { convexLimits, noLimits, Usage, type Metric, type TransactionLimits } from "./limits.js";
import type { MutationTransaction } from "./types.js";

async function openTen(): Promise<Database> {
  const database = await openDatabase();
  await database.mutate(async (tx) => {
    for (let n = 0; n < 10; n++) await tx.component("").insert("t", { n });
  });
  return database;
}

const isFive = { $eq: [{ $field: "n" }, { $literal: 5 }] } as const;

const beyond: [
  metric: Metric,
  limit: number,
  message: RegExp,
  run: (tx: MutationTransaction) => Promise<unknown>,
][] = [
  [
    "documentsRead",
    9,
    /Too many documents read .*\(limit: 9\)\. Consider using/,
    (tx) => tx.component("").stream(fullScan("t")).take(10),
  ],
  [
    "documentsRead",
    5,
    /limit: 5/,
    (tx) =>
      tx
        .component("")
        .stream({ ...fullScan("t"), operators: [{ filter: isFive }] })
        .next(),
  ],
  [
    "bytesRead",
    100,
    /Too many bytes read .*\(limit: 100 bytes\)/,
    (tx) => tx.component("").stream(fullScan("t")).take(10),
  ],
  [
    "databaseQueries",
    2,
    /Too many reads in a single function execution \(limit: 2\)/,
    async (tx) => {
      for (let n = 0; n < 3; n++) await tx.component("").stream(indexRange("t.by_id")).take(1);
    },
  ],
  [
    "documentsWritten",
    2,
    /Too many documents written/,
    async (tx) => {
      for (let n = 0; n < 3; n++) await tx.component("").insert("t", {});
    },
  ],
  [
    "bytesWritten",
    1000,
    /Too many bytes written/,
    (tx) => tx.component("").insert("t", { s: "x".repeat(1000) }),
  ],
  [
    "functionsScheduled",
    1,
    /Too many functions scheduled/,
    async (tx) => {
      tx.countScheduled(1);
      tx.countScheduled(1);
    },
  ],
  ["scheduledFunctionArgsBytes", 10, /arguments of scheduled functions/, async (tx) => tx.countScheduled(11)],
];

test.each(beyond)("beyond %s of %d a transaction is refused", async (metric, maximum, message, run) => {
  const database = await openTen();
  const running = database.mutate(run, { limits: { [metric]: maximum } });
  await expect(running).rejects.toMatchObject({
    code: "TRANSACTION_LIMIT",
    details: { limit: metric, maximum },
  });
  await expect(running).rejects.toThrow(message);
  await database.mutate(run, { limits: { [metric]: null } });
  await database.mutate(run, { limits: null });
});

test("limits are Convex's unless said otherwise", async () => {
  const database = await openTen();
  const { value } = await database.query(async (tx) => tx.limits);
  expect(value).toEqual(convexLimits);
  expect(value).toStrictEqual({
    documentsRead: 32_000,
    bytesRead: 16_777_216,
    databaseQueries: 4_096,
    documentsWritten: 16_000,
    bytesWritten: 16_777_216,
    functionsScheduled: 1_000,
    scheduledFunctionArgsBytes: 16_777_216,
  });
});

/** Uses up `count` of one metric. */
const use: Record<Metric, (usage: Usage, count: number) => void> = {
  documentsRead: (usage, count) => repeat(count, () => usage.countRead(0)),
  bytesRead: (usage, count) => usage.countRead(count),
  databaseQueries: (usage, count) => repeat(count, () => usage.countQuery()),
  documentsWritten: (usage, count) => repeat(count, () => usage.countWrite(0)),
  bytesWritten: (usage, count) => usage.countWrite(count),
  functionsScheduled: (usage, count) => repeat(count, () => usage.countScheduled(0)),
  scheduledFunctionArgsBytes: (usage, count) => usage.countScheduled(count),
};
const metrics = Object.keys(use) as Metric[];

function repeat(count: number, run: () => void): void {
  for (let n = 0; n < count; n++) run();
}

test.each(metrics)("of %s a transaction may use exactly the limit, and not one more", (metric) => {
  const maximum = convexLimits[metric] ?? 0;
  const whole = new Usage(convexLimits);
  use[metric](whole, maximum);
  expect(whole.used[metric]).toBe(maximum);
  const refused = { code: "TRANSACTION_LIMIT", details: { limit: metric, maximum } };
  expect(() => use[metric](whole, 1)).toThrow(expect.objectContaining(refused));
  expect(() => use[metric](new Usage(convexLimits), maximum + 1)).toThrow(expect.objectContaining(refused));
  const free = new Usage(noLimits);
  use[metric](free, maximum + 1);
  expect(free.limits).toStrictEqual(noLimits);
});

test.each(metrics)("a part may have a lower limit of %s, never a higher one", (metric) => {
  const limitsOf = (limit: number): TransactionLimits => ({ ...noLimits, [metric]: limit });
  const usage = new Usage(limitsOf(10));
  use[metric](usage, 4);
  const end = usage.lower({ [metric]: 3 });
  expect(usage.limits).toStrictEqual(limitsOf(7));
  use[metric](usage, 3);
  expect(() => use[metric](usage, 1)).toThrow(expect.objectContaining({ code: "TRANSACTION_LIMIT" }));
  end();
  expect(usage.limits).toStrictEqual(limitsOf(10));
  const endWider = usage.lower({ [metric]: 1000 });
  expect(usage.limits).toStrictEqual(limitsOf(10));
  endWider();
  const endUnchanged = usage.lower({ [metric]: null });
  expect(usage.limits).toStrictEqual(limitsOf(10));
  endUnchanged();
});

test("16,000 documents are written in one transaction, and 16,001 in none", async () => {
  const database = await openTen();
  const insert = (count: number) => async (tx: MutationTransaction) => {
    for (let n = 0; n < count; n++) await tx.component("").insert("many", {});
  };
  await database.mutate(insert(16_000));
  await expect(database.mutate(insert(16_001))).rejects.toMatchObject({
    code: "TRANSACTION_LIMIT",
    details: { limit: "documentsWritten", maximum: 16_000 },
  });
});

test("usage counts documents read, also those filtered out or read by writes", async () => {
  const database = await openTen();
  await database.mutate(async (tx) => {
    const app = tx.component("");
    const five = await app.stream({ ...fullScan("t"), operators: [{ filter: isFive }] }).next();
    expect(tx.usage).toMatchObject({ documentsRead: 6, databaseQueries: 1 });
    await app.patch(five?._id ?? "", { n: 50 });
    expect(tx.usage).toMatchObject({ documentsRead: 7, documentsWritten: 1 });
    expect(tx.usage.bytesRead).toBe(7 * tx.usage.bytesWritten);
  });
});

test("a delete counts as a document written, and what is looked for in vain as a query", async () => {
  const database = await openTen();
  const other = await openTen();
  const foreign = await other.mutate(async (tx) => {
    await tx.component("").insert("second", {});
    return await tx.component("").insert("third", {});
  });
  await database.mutate(async (tx) => {
    const app = tx.component("");
    expect(await app.get(foreign.value)).toBeNull();
    expect(tx.usage).toMatchObject({ databaseQueries: 1, documentsRead: 0 });
    const [first] = await app.stream(fullScan("t")).take(1);
    await app.delete(first?._id ?? "");
    expect(tx.usage).toMatchObject({ documentsWritten: 1, bytesWritten: 0, documentsRead: 2 });
    expect(await app.get(first?._id ?? "")).toBeNull();
    expect(tx.usage).toMatchObject({ databaseQueries: 3, documentsRead: 2 });
  });
});

test("a nested transaction may have lower limits of its own, counted from its beginning", async () => {
  const database = await openTen();
  await database.mutate(
    async (tx) => {
      const app = tx.component("");
      await app.stream(fullScan("t")).take(4);
      const three = tx.nested(() => app.stream(fullScan("t")).take(3), { documentsRead: 3 });
      expect(await three).toHaveLength(3);
      const four = tx.nested(() => app.stream(fullScan("t")).take(4), { documentsRead: 3 });
      await expect(four).rejects.toMatchObject({ code: "TRANSACTION_LIMIT" });
      const raised = tx.limited(() => app.stream(fullScan("t")).take(10), { documentsRead: 1000 });
      await expect(raised).rejects.toMatchObject({ code: "TRANSACTION_LIMIT" });
    },
    { limits: { documentsRead: 15 } },
  );
});

test("what was undone is not counted as written, but stays read", async () => {
  const database = await openTen();
  await database.mutate(async (tx) => {
    const app = tx.component("");
    await tx
      .nested(async () => {
        await app.insert("t", {});
        await app.stream(fullScan("t")).take(2);
        tx.countScheduled(5);
        throw new Error("no");
      })
      .catch(() => {});
    expect(tx.usage).toMatchObject({
      documentsWritten: 0,
      bytesWritten: 0,
      functionsScheduled: 0,
      documentsRead: 2,
    });
  });
});

test("what the engine does on behalf of a write is neither counted nor limited, and counting goes on after", async () => {
  const database = await openTen();
  await database.mutate(
    async (tx) => {
      const app = tx.component("");
      await app.stream(fullScan("t")).take(2);
      await tx.uncounted(async () => {
        expect(await app.stream(fullScan("t")).take(10)).toHaveLength(10);
        await app.insert("t", {});
      });
      expect(tx.usage).toMatchObject({ documentsRead: 2, documentsWritten: 0 });
      await expect(app.stream(fullScan("t")).take(2)).rejects.toMatchObject({ code: "TRANSACTION_LIMIT" });
    },
    { limits: { documentsRead: 3 } },
  );
});
