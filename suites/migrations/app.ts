/**
 * An app with migrations under the official mock or on Trueup's engine, whichever library supplies them: ours or the
 * published one. Tests define the migrations they need; the clock is a fake one that `finish` moves on.
 */
import {
  Migrations as PublishedMigrations,
  runToCompletion as publishedRunToCompletion,
} from "@convex-dev/migrations";
import { convexTest as officialTest, type TestConvex } from "convex-test";
import { convexTest as trueupTest } from "trueup/test";
import {
  actionGeneric,
  componentsGeneric,
  defineSchema,
  defineTable,
  type internalMutationGeneric,
  makeFunctionReference,
  mutationGeneric,
  type DataModelFromSchemaDefinition,
  type FunctionReference,
  type GenericActionCtx,
  type GenericMutationCtx,
  type TransactionLimits,
} from "convex/server";
import { v } from "convex/values";
import { vi } from "vitest";
import publishedSchema from "../../node_modules/@convex-dev/migrations/dist/component/schema.js";
import {
  Migrations,
  runToCompletion,
  type MigrationArgs,
  type MigrationStatus,
} from "../../src/components/migrations/client/index.js";
import type { ComponentApi } from "../../src/components/migrations/component/_generated/component.js";
import type { DataModel as ComponentDataModel } from "../../src/components/migrations/component/_generated/dataModel.js";
import ours from "../../src/components/migrations/test.js";

export const schema = defineSchema({
  users: defineTable({
    name: v.string(),
    score: v.optional(v.number()),
    plan: v.optional(v.string()),
    times: v.optional(v.number()),
    payload: v.optional(v.string()),
  })
    .index("by_name", ["name"])
    .index("by_plan_and_score", ["plan", "score"]),
  notes: defineTable({ text: v.string() }),
});

export type DataModel = DataModelFromSchemaDefinition<typeof schema>;
export type Ctx = GenericMutationCtx<DataModel>;
export type User = DataModel["users"]["document"];

/** What a library of migrations supplies. */
export interface Library {
  name: string;
  Migrations: typeof Migrations;
  runToCompletion: typeof runToCompletion;
  register(t: TestConvex<typeof schema>): void;
}

export const trueup: Library = {
  name: "trueup/migrations",
  Migrations,
  runToCompletion,
  register: (t) => {
    const probe = mutationGeneric((ctx) => probes.get(t)?.(ctx) ?? null);
    t.registerComponent("migrations", ours.schema, {
      ...ours.modules,
      "./component/probe.js": () => Promise.resolve({ run: probe }),
    });
  },
};

/** Code to run inside the component of an app, where its tables can be seen. */
const probes = new WeakMap<object, (ctx: ComponentCtx) => Promise<unknown>>();
export type ComponentCtx = GenericMutationCtx<ComponentDataModel>;

const publishedFolder = "../../node_modules/@convex-dev/migrations/dist/component";
export const published: Library = {
  name: "@convex-dev/migrations",
  // The published classes have the same methods; only the statuses they resolve with have fewer fields.
  Migrations: PublishedMigrations as unknown as typeof Migrations,
  runToCompletion: publishedRunToCompletion as unknown as typeof runToCompletion,
  register: (t) =>
    t.registerComponent("migrations", publishedSchema, {
      "./component/_generated/api.js": () => import(`${publishedFolder}/_generated/api.js`),
      "./component/lib.js": () => import(`${publishedFolder}/lib.js`),
    }),
};

export const component = componentsGeneric()["migrations"] as unknown as ComponentApi;

/** A migration or runner of the app; all are defined in the module "migrations". */
export function functionNamed(
  name: string,
): FunctionReference<"mutation", "internal", MigrationArgs, Record<string, unknown>> {
  return makeFunctionReference(`migrations:${name}`) as never;
}

type Defined = Record<string, unknown>;

export interface App {
  t: TestConvex<typeof schema>;
  /** Runs a migration or runner as a person would. */
  call(name: string, args?: MigrationArgs): Promise<Record<string, unknown>>;
  /** Runs code in a mutation of the app. */
  mutate<T>(handler: (ctx: Ctx) => Promise<T>): Promise<T>;
  /** Runs code in a mutation of our component. */
  inComponent<T>(handler: (ctx: ComponentCtx) => Promise<T>): Promise<T>;
  /** Runs code in an action of the app. */
  act<T>(handler: (ctx: GenericActionCtx<DataModel>) => Promise<T>): Promise<T>;
  insert(count: number, make?: (i: number) => Partial<User>): Promise<void>;
  /** All users in the order of creation, read so many in one transaction. */
  users(atOnce?: number): Promise<User[]>;
  status(name: string): Promise<MigrationStatus>;
  /** Lets everything that is scheduled run. */
  finish(): Promise<void>;
  migrations: Migrations<DataModel, typeof schema>;
}

interface Options {
  /** The official mock (default), or Trueup's engine behind the same calls. */
  convexTest?: typeof officialTest;
  /** Enforce Convex's limits, or tighter ones. */
  limits?: boolean | Partial<TransactionLimits>;
  schema?: boolean;
  defaultBatchSize?: number;
  internalMutation?: typeof internalMutationGeneric;
  migrationsLocationPrefix?: string;
}

/** What an app can run on. */
export const hosts: readonly { name: string; convexTest: typeof officialTest }[] = [
  { name: "the official mock", convexTest: officialTest },
  { name: "Trueup", convexTest: trueupTest },
];

/** Opens an app with what `define` defines; call it under fake timers. */
export function openApp(
  library: Library,
  define: (migrations: Migrations<DataModel, typeof schema>) => Defined,
  options: Options = {},
): App {
  const { convexTest = officialTest, limits, schema: giveSchema = true, ...rest } = options;
  const migrations = new library.Migrations<DataModel, typeof schema>(component, {
    ...rest,
    ...(giveSchema ? { schema } : {}),
  });
  let action: (ctx: GenericActionCtx<DataModel>) => Promise<unknown> = () => Promise.resolve(null);
  const modules = {
    "./_generated/api.js": () => Promise.resolve({}),
    "./migrations.ts": () => Promise.resolve(define(migrations)),
    "./actions.ts": () => Promise.resolve({ run: actionGeneric((ctx) => action(ctx)) }),
  };
  const t = convexTest({
    schema,
    modules,
    ...(limits === undefined ? {} : { transactionLimits: limits }),
  });
  library.register(t);
  const mutate = async <T>(handler: (ctx: Ctx) => Promise<T>): Promise<T> => {
    let value: { result: T } | undefined;
    await t.run(async (ctx) => {
      value = { result: await handler(ctx) };
    });
    if (value === undefined) throw new Error("The mutation did not run.");
    return value.result;
  };
  return {
    t,
    migrations,
    mutate,
    inComponent: async (handler) => {
      let value: { result: Awaited<ReturnType<typeof handler>> } | undefined;
      probes.set(t, async (ctx) => {
        value = { result: await handler(ctx) };
        return null;
      });
      const probe = componentsGeneric()["migrations"]?.["probe"]?.["run"];
      await mutate((ctx) => ctx.runMutation(probe as never, {}));
      if (value === undefined) throw new Error("The probe did not run.");
      return value.result;
    },
    call: (name, args = {}) => t.mutation(functionNamed(name), args),
    act: async (handler) => {
      let value: { result: Awaited<ReturnType<typeof handler>> } | undefined;
      action = async (ctx) => {
        value = { result: await handler(ctx) };
        return null;
      };
      await t.action(makeFunctionReference<"action">("actions:run"), {});
      if (value === undefined) throw new Error("The action did not run.");
      return value.result;
    },
    insert: async (count, make = () => ({})) => {
      await mutate(async (ctx) => {
        for (let i = 0; i < count; i++) await ctx.db.insert("users", { name: `user ${i}`, ...make(i) });
      });
    },
    users: async (atOnce = 1_000) => {
      const users: User[] = [];
      for (let page: User[] = []; users.length === 0 || page.length === atOnce; users.push(...page)) {
        const last = users.at(-1)?._creationTime ?? 0;
        page = await mutate((ctx) =>
          ctx.db
            .query("users")
            .withIndex("by_creation_time", (q) => q.gt("_creationTime", last))
            .take(atOnce),
        );
        if (page.length === 0) break;
      }
      return users;
    },
    status: async (name) => {
      const [status] = await mutate((ctx) =>
        ctx.runQuery(component.lib.getStatus, { names: [`migrations:${name}`] }),
      );
      if (status === undefined) throw new Error(`There is no status of ${name}.`);
      return status;
    },
    finish: () => t.finishAllScheduledFunctions(() => vi.runAllTimers(), 10_000),
  };
}
