/**
 * Moves between the published component of migrations and ours by nothing but a deploy. Migrations that are done stay done, those
 * that run go on from where they stand, and each document is migrated once.
 */
import { Migrations as PublishedMigrations } from "@convex-dev/migrations";
import publishedMigrations from "@convex-dev/migrations/test";
import {
  internalMutationGeneric,
  internalQueryGeneric,
  type FunctionReference,
  type GenericMutationCtx,
} from "convex/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { programFromModules, type Backend, type ComponentModules } from "trueup";
import { Migrations, waive } from "trueup/migrations";
import ours from "trueup/migrations/test";
import { component, schema, type DataModel, type User } from "./app.js";
import { call, openApp, type StorageName, storageNames } from "../setup/open-app.js";

type Side = "published" | "ours";
type Exports = Readonly<Record<string, unknown>>;

const components: Readonly<Record<Side, ComponentModules>> = { ours, published: publishedMigrations };

/** The same code with either import. `once` is migrated batch by batch, `wide` in several ranges at once. */
function appOf(side: Side): Exports {
  const Library = (side === "ours" ? Migrations : PublishedMigrations) as typeof Migrations;
  const migrations = new Library<DataModel, typeof schema>(component, { schema });
  const again = (_ctx: unknown, { times = 0 }: User) => ({ times: times + 1 });
  const one = { table: "users", batchSize: 5, migrateOne: again } as const;
  return {
    once: migrations.define(one),
    byName: migrations.define({ ...one, customRange: (q) => q.withIndex("by_name") }),
    filtered: migrations.define({
      ...one,
      customRange: (q) => q.withIndex("by_name").filter((f) => f.neq(f.field("plan"), "none")),
    }),
    wide: migrations.define({
      ...one,
      ...{ ranges: 3, down: (_ctx: unknown, { times = 1 }: User) => ({ times: times - 1 }) },
    }),
    both: migrations.runner([
      "migrations:once" as unknown as FunctionReference<"mutation", "internal">,
      "migrations:byName" as unknown as FunctionReference<"mutation", "internal">,
    ] as never),
    insert: internalMutationGeneric(async (ctx: GenericMutationCtx<DataModel>) => {
      for (let n = 0; n < 60; n++) await ctx.db.insert("users", { name: `user ${n}` });
    }),
    times: internalQueryGeneric(async (ctx) => {
      const users = await ctx.db.query("users").collect();
      return [...new Set(users.map((user) => (user["times"] as number | undefined) ?? 0))].toSorted(
        (a, b) => a - b,
      );
    }),
  };
}

// Nothing that is scheduled runs until `finish`.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "Date"] }));
afterEach(() => void vi.useRealTimers());

class MovingApp {
  readonly backend: Backend;

  private constructor(backend: Backend) {
    this.backend = backend;
  }

  static async open(storage: StorageName, side: Side): Promise<MovingApp> {
    const backend = await openApp(storage, {
      schema,
      modules: { migrations: appOf(side) },
      components: { migrations: components[side] },
    });
    await call(backend, "migrations:insert");
    return new MovingApp(backend);
  }

  async move(side: Side, more: Exports = {}): Promise<void> {
    const modules = { "./convex/migrations.ts": appOf(side), "./convex/more.ts": more };
    const program = await programFromModules({
      schema,
      modules,
      components: { migrations: components[side] },
    });
    await this.backend.activate(program);
  }

  call(path: string, args: object = {}): Promise<unknown> {
    return call(this.backend, `migrations:${path}`, args);
  }

  async status(name: string): Promise<object | undefined> {
    const args = { names: [`migrations:${name}`] };
    const found = await call(this.backend, "lib:getStatus", args, { componentPath: "migrations" });
    return (found as object[])[0];
  }

  finish(): Promise<void> {
    return this.backend.scheduler.idle();
  }
}

const history = { waived: waive("drop-table:migrations/runs") };

test.each(storageNames)(
  "a migration that runs goes on at the other component, there and back (%s)",
  async (storage) => {
    const app = await MovingApp.open(storage, "published");
    let side: Side = "published";
    let times = 0;
    for (const name of ["once", "byName", "byName", "once"]) {
      await app.call(name, { fn: `migrations:${name}`, reset: true });
      expect(await app.status(name)).toMatchObject({ state: "inProgress", processed: 5 });
      side = side === "ours" ? "published" : "ours";
      await app.move(side, history);
      expect(await app.status(name)).toMatchObject({ state: "inProgress", processed: 5 });
      await app.finish();
      times += 1;
      expect(await app.status(name)).toMatchObject({ state: "success", processed: 60 });
      expect(await app.call("times")).toEqual([times]);
    }
  },
);

test("a series goes on with its next at the other component, and what is done stays done", async () => {
  const app = await MovingApp.open("memory", "ours");
  await app.call("both", {});
  await app.move("published", history);
  await app.finish();
  for (const name of ["once", "byName"]) expect(await app.status(name)).toMatchObject({ state: "success" });
  expect(await app.call("times")).toEqual([2]);
  await app.move("ours");
  await app.call("both", {});
  await app.finish();
  expect(await app.call("times")).toEqual([2]);
  expect(await app.status("once")).toMatchObject({ state: "success", processed: 60 });
});

test("a migration in several ranges, or one that is reverted, refuses the way back until it ends", async () => {
  const app = await MovingApp.open("memory", "ours");
  await app.call("wide", { fn: "migrations:wide" });
  const refused = app.move("published", history);
  await expect(refused).rejects.toMatchObject({ code: "COMPONENT_NOT_MOVED" });
  await expect(refused).rejects.toThrow(
    "Migration migrations:wide goes through several ranges at once, and the component that takes this one's place knows one place only: let it end",
  );
  expect(await app.status("wide")).toMatchObject({ state: "inProgress", ranges: 3 });
  await app.finish();
  expect(await app.status("wide")).toMatchObject({ state: "success", processed: 60 });

  const { backend } = app;
  await call(backend, "lib:revert", { name: "migrations:wide" }, { componentPath: "migrations" });
  await expect(app.move("published", history)).rejects.toThrow("Migration migrations:wide is being reverted");
  await app.finish();
  await app.move("published", history);
  expect(await app.call("times")).toEqual([0]);
  await app.call("wide", { fn: "migrations:wide" });
  await app.finish();
  expect(await app.status("wide")).toMatchObject({ state: "success", processed: 60 });
  expect(await app.call("times")).toEqual([1]);
});

test("the history of runs has no place at the published component, and goes by a waiver only", async () => {
  const app = await MovingApp.open("memory", "ours");
  await app.call("once", { fn: "migrations:once" });
  await app.finish();
  const refused = app.move("published");
  await expect(refused).rejects.toMatchObject({ code: "DESTRUCTIVE_CHANGE" });
  await expect(refused).rejects.toThrow('export const waivers = waive(\n  "drop-table:migrations/runs",\n);');
  await app.move("published", history);
  expect(await app.status("once")).toMatchObject({ state: "success" });
});

test("a cursor of the database's own is one at the published component too", async () => {
  const app = await MovingApp.open("memory", "ours");
  await app.call("filtered", { fn: "migrations:filtered" });
  await app.move("published", history);
  await app.finish();
  expect(await app.status("filtered")).toMatchObject({ state: "success", processed: 60 });
  expect(await app.call("times")).toEqual([1]);
});
