/**
 * A deploy that transforms a table and brings another definition of a managed aggregate of it: the new aggregate is built before
 * the deploy from the documents that the transform makes, while the old code writes, and answers from the first read on.
 */
import { setImmediate } from "node:timers/promises";
import { componentsGeneric, defineSchema, defineTable, mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";
import { describe, expect, test } from "vitest";
import { memory, openBackend, type Backend } from "trueup";
import { TableAggregate } from "trueup/aggregate";
import component from "trueup/aggregate/test";
import type { ComponentApi } from "../../src/components/aggregate/component/_generated/component.js";
import { FaultyDisk, type CrashPoint } from "../storage/faulty-storage.js";
import { call, storageNames } from "../setup/open-app.js";
import { deploy, emptyApp, migrations, type Version } from "./teams-app.js";

type Key = string | boolean;

interface Team {
  readonly _id: string;
  readonly size: number;
  readonly isPro?: boolean;
  readonly plan?: string;
}

/** What an aggregate says of its two keys, and what a scan does: counts and sums of sizes. */
interface Answer {
  readonly told: unknown;
  readonly found: unknown;
}

/** The functions of a version: its aggregate by one field, the field's values, and a removal. */
function functionsBy(field: "isPro" | "plan", keys: readonly Key[]): object {
  const byPlan = new TableAggregate<{ Key: Key; DataModel: never; TableName: never }>(
    componentsGeneric()["byPlan"] as unknown as ComponentApi,
    {
      table: "teams",
      version: field,
      sortKey: (team: Team): Key | undefined => team[field],
      sumValue: ({ size }: Team) => size,
    } as never,
  );
  return {
    byPlan,
    answer: queryGeneric(async (ctx): Promise<Answer> => {
      const teams = (await ctx.db.query("teams").collect()) as unknown as Team[];
      const told: number[][] = [];
      for (const key of keys) {
        const of = { bounds: { eq: key } } as never;
        told.push([await byPlan.count(ctx as never, of), await byPlan.sum(ctx as never, of)]);
      }
      const found = keys.map((key) => {
        const own = teams.filter((team) => team[field] === key);
        return [own.length, own.reduce((sum, { size }) => sum + size, 0)];
      });
      return { told, found };
    }),
    fill: mutationGeneric(async (ctx, { count }: { count: number }) => {
      for (let size = 1; size <= count; size++) {
        await ctx.db.insert("teams", { size: size % 1000, isPro: size % 3 === 0 });
      }
    }),
    remove: mutationGeneric(async (ctx, { id }: { id: never }) => {
      await ctx.db.delete(id);
    }),
  };
}

const up = ({ isPro, ...team }: Team): object => {
  if (team.size === 1313) throw new Error("no team of 1313");
  return { ...team, plan: isPro === true ? "pro" : "basic" };
};
const down = ({ plan, ...team }: Team): Team => ({ ...team, isPro: plan === "pro" });

const before: Version = {
  schema: defineSchema({ teams: defineTable({ size: v.number(), isPro: v.boolean() }) }),
  modules: { aggregates: functionsBy("isPro", [false, true]) },
  components: { byPlan: component },
};
const after: Version = {
  schema: defineSchema({ teams: defineTable({ size: v.number(), plan: v.string() }) }),
  modules: { aggregates: functionsBy("plan", ["basic", "pro"]) },
  components: { byPlan: component },
  migrations: {
    waived: migrations.waive("drop-field:teams.isPro"),
    planned: migrations.define({ table: "teams", up, down }),
  },
};

async function insert(app: Backend, size: number): Promise<string> {
  const value = { size, isPro: size % 3 === 0 };
  return (await call(app, "documents:insert", { table: "teams", value })) as string;
}

async function fill(app: Backend, count: number): Promise<void> {
  await call(app, "aggregates:fill", { count });
  await app.aggregates.ready("byPlan");
}

async function expectAnswer(app: Backend): Promise<void> {
  const { told, found } = (await call(app, "aggregates:answer")) as Answer;
  expect(told).toEqual(found);
}

async function expectExact(app: Backend): Promise<void> {
  await expectAnswer(app);
  expect((await app.aggregates.verify("byPlan")).differences).toEqual([]);
}

/** Inserts, changes and deletes, as the old code does, until that is replaced; counts writes and reads. */
async function useUntil(app: Backend, isOver: () => boolean): Promise<{ writes: number; reads: number }> {
  const ids: string[] = [];
  const done = { writes: 0, reads: 0 };
  while (!isOver()) {
    const n = done.writes++;
    // The schema of the code to come refuses what the old code writes, once it is in place.
    const refused = (error: Error): void => expect(error.message).toMatch(/isPro|plan/);
    await insert(app, 500 + n).then((id) => ids.push(id), refused);
    const value = { size: 700 + n, isPro: n % 2 === 0 };
    if (n % 2 === 0) await call(app, "documents:replace", { id: ids[0], value }).catch(refused);
    if (n % 5 === 0) await call(app, "aggregates:remove", { id: ids.shift() });
    await expectAnswer(app);
    done.reads++;
    await setImmediate();
  }
  return done;
}

/** More than are built in the transaction that puts a program in place. */
const many = 4000;

describe.each(storageNames)("an aggregate that a deploy with a transform changes, on %s", (storage) => {
  test("is built before, while the old code writes, and is exact from the first read on", async () => {
    const app = await emptyApp(storage, { limits: "none" });
    await deploy(app, before);
    await fill(app, many);
    let isOver = false;
    const using = useUntil(app, () => isOver);
    await deploy(app, after);
    await expectAnswer(app);
    isOver = true;
    const { writes, reads } = await using;
    expect(Math.min(writes, reads)).toBeGreaterThan(3);
    await expectExact(app);
    await call(app, "documents:insert", { table: "teams", value: { size: 9, plan: "pro" } });
    await expectExact(app);
    await app.database.background.whenIdle();
    await expectExact(app);
  });

  test("is built before a rollback too, when every document is written through", async () => {
    const app = await emptyApp(storage, { limits: "none" });
    await deploy(app, before);
    await fill(app, many);
    await deploy(app, after);
    await app.database.background.whenIdle();
    await deploy(app, before);
    await expectAnswer(app);
    await expectExact(app);
  });
});

test("a rollback while documents lag rebuilds it after the deploy", async () => {
  const app = await emptyApp("memory", { runScheduled: false });
  await deploy(app, before);
  await fill(app, 60);
  await deploy(app, after);
  await deploy(app, before);
  await app.aggregates.ready("byPlan");
  await expectExact(app);
});

test("is built before where there is no schema", async () => {
  const app = await emptyApp("memory", { limits: "none" });
  await deploy(app, { ...before, schema: null });
  await fill(app, many);
  await deploy(app, { ...after, schema: null });
  await expectAnswer(app);
  await expectExact(app);
});

test("a document that the transform fails on, written while it is built, refuses the deploy and no write", async () => {
  const app = await emptyApp("memory");
  await deploy(app, before);
  await fill(app, many);
  let hasEnded = false;
  const outcome = deploy(app, after)
    .catch((error: unknown) => error)
    .finally(() => {
      hasEnded = true;
    });
  while (!hasEnded && !(await app.schemaChanges()).transforms.some(({ state }) => state === "prepared")) {
    await setImmediate();
  }
  await insert(app, 1313);
  expect(await outcome).toMatchObject({ code: "TRANSFORM_FAILED" });
  await insert(app, 1314);
  await expectExact(app);
});

test("another deploy in between is never answered by what was built through other transforms", async () => {
  const app = await emptyApp("memory");
  await deploy(app, before);
  await fill(app, 60);
  const other: Version = {
    ...after,
    migrations: {
      waived: migrations.waive("drop-field:teams.isPro"),
      reversed: migrations.define({
        table: "teams",
        up: ({ isPro, ...team }: Team) => ({ ...team, plan: isPro === true ? "basic" : "pro" }),
      }),
    },
  };
  const outcomes = await Promise.allSettled([deploy(app, after), deploy(app, other)]);
  const rejected = outcomes.filter((outcome) => outcome.status === "rejected");
  // They are put in place one after the other, and the second would write over what the first has made.
  const details = { waivers: ["drop-field:teams.plan"] };
  expect(rejected).toMatchObject([{ reason: { code: "DESTRUCTIVE_CHANGE", details } }]);
  await app.aggregates.ready("byPlan");
  await expectExact(app);
});

test.each<CrashPoint>(["before commit", "after commit"])(
  "killed %s, at each commit in turn",
  async (point) => {
    const open = (disk: FaultyDisk): Promise<Backend> => openBackend({ storage: disk.open, log: "silent" });
    let kills = 0;
    for (let isThrough = false; !isThrough; kills++) {
      const disk = new FaultyDisk(memory());
      const app = await open(disk);
      await deploy(app, before);
      await fill(app, 40);
      disk.crashAtCommit(kills + 1, point);
      const change = async (): Promise<void> => {
        await deploy(app, after);
        await app.database.background.whenIdle();
      };
      isThrough = await change().then(
        () => true,
        () => false,
      );
      await app.close().catch(() => {});
      disk.crashAtCommit(Infinity, point);
      const again = await open(disk);
      await deploy(again, after);
      await again.aggregates.ready("byPlan");
      await expectExact(again);
      await again.close();
      await disk.close();
    }
    expect(kills).toBeGreaterThan(6);
  },
);
