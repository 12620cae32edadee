/** The app whose documents are migrated: users without a plan are given one. Which library migrates them is a parameter. */
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
});

type DataModel = DataModelFromSchemaDefinition<typeof schema>;
type UserFields = { name: string; email: string };

const component = (componentsGeneric() as unknown as { migrations: ComponentApi }).migrations;

const libraries = {
  trueup: { config: "trueup/migrations/convex.config", Migrations, runToCompletion },
  published: {
    config: "@convex-dev/migrations/convex.config",
    // What is used here takes the same; statuses have fewer fields.
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
