/**
 * The app whose documents are migrated: users without a plan are given one. Which library migrates them is a parameter.
 * Visits are the live traffic.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  Migrations as PublishedMigrations,
  runToCompletion as publishedRunToCompletion,
} from "@convex-dev/migrations";
import {
  actionGeneric,
  anyApi,
  componentsGeneric,
  defineSchema,
  defineTable,
  mutationGeneric,
  queryGeneric,
  type DataModelFromSchemaDefinition,
  type GenericActionCtx,
  type GenericMutationCtx,
  type GenericQueryCtx,
} from "convex/server";
import { v } from "convex/values";
import { Migrations, runToCompletion, type MigrationFunctionReference } from "trueup/migrations";
import type { ComponentApi } from "trueup/migrations/_generated/component.js";
import { componentFrom, type App } from "../harness/hosts.js";

const schema = defineSchema({
  users: defineTable({ name: v.string(), email: v.string(), plan: v.optional(v.string()) }).index("by_plan", [
    "plan",
  ]),
  visits: defineTable({ user: v.string(), page: v.number() }).index("by_user", ["user"]),
});

type DataModel = DataModelFromSchemaDefinition<typeof schema>;
type UserFields = { name: string; email: string };

const component = (componentsGeneric() as unknown as { migrations: ComponentApi }).migrations;

const libraries = {
  trueup: { config: "trueup/migrations/convex.config", Migrations, runToCompletion },
  published: {
    config: "@convex-dev/migrations/convex.config",
    // The methods that are used here take the same arguments; statuses have fewer fields.
    Migrations: PublishedMigrations as unknown as typeof Migrations,
    runToCompletion: publishedRunToCompletion as unknown as typeof runToCompletion,
  },
} as const;
export type LibraryName = keyof typeof libraries;

/** Batches are of a given size, or of that which the library chooses. */
export async function migrationsApp(library: LibraryName, batchSize: number | undefined): Promise<App> {
  const { config, ...chosen } = libraries[library];
  const migrations = new chosen.Migrations<DataModel>(component);
  const addPlan = (anyApi as unknown as { bench: { addPlan: MigrationFunctionReference } }).bench.addPlan;
  return {
    schema,
    components: { migrations: await componentFrom(dirname(fileURLToPath(import.meta.resolve(config)))) },
    modules: {
      bench: {
        addPlan: migrations.define({
          table: "users",
          migrateOne: (_, user) => (user.plan === undefined ? { plan: "free" } : undefined),
          ...(batchSize === undefined ? {} : { batchSize }),
        }),
        migrate: actionGeneric({
          args: {},
          handler: async (ctx: GenericActionCtx<DataModel>) => {
            await chosen.runToCompletion(ctx, component, addPlan);
          },
        }),
        start: mutationGeneric({
          args: {},
          handler: async (ctx: GenericMutationCtx<DataModel>) => {
            await migrations.runOne(ctx, addPlan);
          },
        }),
        isDone: queryGeneric({
          args: {},
          handler: async (ctx: GenericQueryCtx<DataModel>) => {
            const [status] = await migrations.getStatus(ctx, { migrations: [addPlan] });
            return status?.isDone === true;
          },
        }),
        visit: mutationGeneric({
          args: { user: v.string(), page: v.number() },
          handler: async (ctx: GenericMutationCtx<DataModel>, visit: { user: string; page: number }) => {
            await ctx.db.insert("visits", visit);
          },
        }),
        visitsOf: queryGeneric({
          args: { user: v.string() },
          handler: async (ctx: GenericQueryCtx<DataModel>, { user }: { user: string }) =>
            ctx.db
              .query("visits")
              .withIndex("by_user", (q) => q.eq("user", user))
              .order("desc")
              .take(10),
        }),
        fill: mutationGeneric({
          args: { users: v.array(v.object({ name: v.string(), email: v.string() })) },
          handler: async (ctx: GenericMutationCtx<DataModel>, { users }: { users: UserFields[] }) => {
            for (const user of users) await ctx.db.insert("users", user);
          },
        }),
        countMigrated: queryGeneric({
          args: {},
          handler: async (ctx: GenericQueryCtx<DataModel>) =>
            (
              await ctx.db
                .query("users")
                .withIndex("by_plan", (q) => q.eq("plan", "free"))
                .collect()
            ).length,
        }),
      },
    },
  };
}

export function userFields(index: number): UserFields {
  return { name: `User ${index}`, email: `user${index}@example.com` };
}
