/** A migration stays below live traffic: a call that waits for its turn gets it long before a batch would be done. */
import { setImmediate } from "node:timers/promises";
import { componentsGeneric, internalMutationGeneric, type GenericMutationCtx } from "convex/server";
import { expect, test } from "vitest";
import { Migrations } from "trueup/migrations";
import type { ComponentApi } from "trueup/migrations/_generated/component.js";
import migrationsComponent from "trueup/migrations/test";
import { schema, type DataModel } from "./app.js";
import { call, openApp, storageNames } from "../setup/open-app.js";

type Ctx = GenericMutationCtx<DataModel>;

/** Keeps the processor busy, as code that computes does. */
function compute(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test.each(storageNames)(
  "a batch on %s ends when a mutation waits, and nothing is migrated twice",
  async (storage) => {
    const documents = 300;
    const happened: string[] = [];
    const migrations = new Migrations<DataModel>(
      componentsGeneric()["migrations"] as unknown as ComponentApi,
    );
    const app = await openApp(storage, {
      schema,
      components: { migrations: migrationsComponent },
      modules: {
        migrations: {
          slow: migrations.define({
            table: "users",
            migrateOne: (_ctx, user) => {
              compute(0.5);
              happened.push("migrated");
              return { times: (user.times ?? 0) + 1 };
            },
          }),
        },
        app: {
          fill: internalMutationGeneric(async (ctx: Ctx) => {
            for (let i = 0; i < documents; i++) await ctx.db.insert("users", { name: `user ${i}` });
          }),
          live: internalMutationGeneric(async (ctx: Ctx) => {
            await ctx.db.insert("notes", { text: "live" });
          }),
          times: internalMutationGeneric(async (ctx: Ctx) =>
            (await ctx.db.query("users").collect()).map(({ times }) => times),
          ),
        },
      },
    });
    await call(app, "app:fill");
    const started = call(app, "migrations:slow");
    // The first batch is of 100 documents. If it did not give way, nobody would get a turn before all of them.
    while (happened.length === 0) await setImmediate();
    await call(app, "app:live").then(() => happened.push("live"));
    expect(happened.indexOf("live")).toBeLessThan(100);
    await started;
    await app.scheduler.idle();
    expect(await call(app, "app:times")).toEqual(Array(documents).fill(1));
  },
);
