/** Our components as plain Convex components: registered by their `/test` entries, on both engines. */
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  type DataModelFromSchemaDefinition,
} from "convex/server";
import { v } from "convex/values";
import { DirectAggregate } from "trueup/aggregate";
import type { ComponentApi as AggregateApi } from "trueup/aggregate/_generated/component.js";
import { register as registerAggregate } from "trueup/aggregate/test";
import { Migrations } from "trueup/migrations";
import type { ComponentApi as MigrationsApi } from "trueup/migrations/_generated/component.js";
import { register as registerMigrations } from "trueup/migrations/test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { fn } from "../functions/references.js";
import { engines } from "./engines.js";

const schema = defineSchema({ users: defineTable({ name: v.string(), active: v.optional(v.boolean()) }) });
const components = componentsGeneric() as unknown as {
  scores: AggregateApi<"scores">;
  migrations: MigrationsApi;
};
const scores = new DirectAggregate<{ Key: number; Id: string }>(components.scores);
const migrations = new Migrations<DataModelFromSchemaDefinition<typeof schema>>(components.migrations);
const modules = {
  migrations: {
    activate: migrations.define({ table: "users", migrateOne: () => ({ active: true }) }),
    run: migrations.runner(),
  },
};

afterEach(() => {
  vi.useRealTimers();
});

describe.each(engines)("our components on %s", (_name, open) => {
  test("an aggregate counts, sums and ranks", async () => {
    const t = open({ schema });
    registerAggregate(t, "scores");
    await t.run(async (ctx) => {
      for (const [id, key] of [
        ["a", 30],
        ["b", 10],
        ["c", 20],
      ] as const) {
        await scores.insert(ctx, { id, key, sumValue: key });
      }
    });
    const seen = await t.run(async (ctx) => ({
      count: await scores.count(ctx),
      sum: await scores.sum(ctx),
      first: (await scores.at(ctx, 0)).id,
      rank: await scores.indexOf(ctx, 30),
    }));
    expect(seen).toEqual({ count: 3, sum: 60, first: "b", rank: 2 });
  });

  test("a migration runs to its end through the scheduler", async () => {
    vi.useFakeTimers();
    const t = open({ schema, modules });
    registerMigrations(t);
    await t.run(async (ctx) => {
      for (let i = 0; i < 5; i += 1) await ctx.db.insert("users", { name: `user${i}` });
    });
    await t.mutation(fn<"mutation">("migrations:run"), { fn: "migrations:activate", batchSize: 2 });
    await t.finishAllScheduledFunctions(vi.runAllTimers);
    const users = await t.run((ctx) => ctx.db.query("users").collect());
    expect(users.map(({ active }) => active)).toEqual([true, true, true, true, true]);
  });
});
