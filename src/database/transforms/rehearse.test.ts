import { expect, test } from "vitest";
import { mutate, openDatabase } from "../../../suites/setup/open-database.js";
import type { Database } from "../database.js";
import type { RehearsalPlan, TransformFunction } from "./types.js";

async function openWith(count: number): Promise<{ database: Database; ids: string[] }> {
  const database = await openDatabase();
  const ids = await mutate(database, async (tx) => {
    const inserted: string[] = [];
    for (let n = 0; n < count; n++) inserted.push(await tx.component("").insert("t", { n }));
    return inserted;
  });
  return { database, ids };
}

function planFor(...through: TransformFunction[]): RehearsalPlan {
  return { componentPath: "", tableName: "t", through: through.map((run, at) => ({ name: `t${at}`, run })) };
}

test("a rehearsal tries every document, writes nothing, and tells how far it came", async () => {
  const { database } = await openWith(450);
  const before = database.storage.version;
  const seen: number[] = [];
  const rehearsal = await database.rehearse({
    ...planFor((document) => ({ ...document, m: 1 })),
    onProgress: ({ processed, total }) => seen.push(processed, total),
  });
  expect(rehearsal).toEqual({ processed: 450, failed: 0, failures: [], losses: [] });
  expect(seen).toEqual([200, 450, 400, 450, 450, 450]);
  expect(database.storage.version).toBe(before);
});

test("failures are counted by kind, with the first ids and a message of each", async () => {
  const { database, ids } = await openWith(100);
  let calls = 0;
  const wrong: Record<number, (fields: Record<string, unknown>) => unknown> = {
    1: () => {
      throw new Error("one is wrong");
    },
    2: () => "two",
    3: async () => {
      throw new Error("too late");
    },
    4: (document) => ({ ...document, _id: "other" }),
    5: (document) => ({ ...document, at: new Date(0) }),
    6: (document) => ({ ...document, n: calls++ }),
  };
  const transform = ((document) =>
    wrong[Number(document["n"]) % 10]?.(document) ?? document) as TransformFunction;
  const { failed, failures } = await database.rehearse({
    ...planFor(transform),
    check: ({ n }) => (n === 7 ? [{ kind: "wrongType", message: "seven" }] : []),
  });
  const idsOf = (...ends: number[]): (string | undefined)[] =>
    ids.filter((_, n) => ends.includes(n % 10)).slice(0, 20);

  expect(failed).toBe(61);
  expect(failures).toEqual([
    {
      kind: "notADocument",
      count: 30,
      message: expect.stringContaining("of type string"),
      ids: idsOf(2, 3, 5),
    },
    { kind: "threw", count: 10, message: "one is wrong", ids: idsOf(1) },
    { kind: "systemFields", count: 10, message: expect.stringContaining("_id"), ids: idsOf(4) },
    { kind: "impure", count: 10, message: expect.stringContaining("pure"), ids: idsOf(6) },
    { kind: "wrongType", count: 1, message: "seven", ids: [ids[7]] },
  ]);
});

test("several transforms are tried in their order, on documents as they read now", async () => {
  const { database } = await openWith(3);
  database.setTransforms(() => ({ n, ...document }) => ({ ...document, m: n }));
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", { name: "rename", origin: "", hasDown: false });
  });
  const results: unknown[] = [];
  await database.rehearse({
    ...planFor(
      (document) => ({ ...document, m: Number(document["m"]) + 1 }),
      (document) => ({ ...document, m: Number(document["m"]) * 10 }),
    ),
    check: (document) => {
      results.push(document["m"]);
      return [];
    },
  });
  expect(results).toEqual([10, 20, 30]);
});

test("a rehearsal can be ended, and one of no table finds nothing", async () => {
  const { database } = await openWith(1);
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(database.rehearse({ ...planFor((one) => one), signal })).rejects.toThrow("enough");
  expect(await database.rehearse({ ...planFor((one) => one), tableName: "other" })).toMatchObject({
    processed: 0,
    failed: 0,
  });
});

test("a document that lags behind what is taken back is tried as it is stored", async () => {
  const { database, ids } = await openWith(3);
  database.setTransforms(() => undefined);
  await database.mutate(async (tx) => {
    tx.beginTransform("", "t", { name: "up", origin: "", hasDown: true });
    await tx.component("").insert("t", { n: 3 });
  });
  const back: TransformFunction = (document) => {
    throw new Error(`never ${document["n"] as number}`);
  };
  const { failures } = await database.rehearse({
    ...planFor(),
    through: [{ name: "up", run: back, undoes: 1 }],
    check: ({ _id }) => (_id === ids[0] ? [{ kind: "first", message: "" }] : []),
  });
  expect(failures).toMatchObject([
    { kind: "first", count: 1, ids: [ids[0]] },
    { kind: "threw", count: 1, message: "never 3" },
  ]);
});
