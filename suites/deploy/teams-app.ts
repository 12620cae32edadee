/** Deploys an app version by version onto data that stays: each version is a schema, functions and declarations. */
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  mutationGeneric,
  queryGeneric,
  type GenericSchema,
  type SchemaDefinition,
} from "convex/server";
import { v } from "convex/values";
import {
  programFromModules,
  type Backend,
  type ComponentModules,
  type ComponentProgram,
  type OpenStorage,
} from "trueup";
import { Migrations } from "trueup/migrations";
import component from "trueup/migrations/test";
import { openApp, type StorageName } from "../setup/open-app.js";

// Names of tables and fields change from version to version, so nothing of them is typed here.
// eslint-disable-next-line typescript/no-explicit-any -- see above
export const migrations: Migrations<any> = new Migrations(componentsGeneric()["migrations"] as never);

export interface Version {
  readonly schema: SchemaDefinition<GenericSchema, boolean> | null;
  /** The exports of `migrations.ts`. */
  readonly migrations?: object;
  /** Components beside that of the migrations. */
  readonly components?: Readonly<Record<string, ComponentModules>>;
  /** Other modules by path. */
  readonly modules?: Readonly<Record<string, object>>;
}

/** Functions on any table. */
const documents = {
  insert: mutationGeneric((ctx, { table, value }: { table: string; value: object }) =>
    ctx.db.insert(table, { ...value }),
  ),
  replace: mutationGeneric(async (ctx, { id, value }: { id: never; value: object }) => {
    await ctx.db.replace(id, { ...value });
  }),
  all: queryGeneric(async (ctx, { table }: { table: string }) => await ctx.db.query(table).collect()),
  get: queryGeneric(async (ctx, { id }: { id: never }) => await ctx.db.get(id)),
  by: queryGeneric(
    async (
      ctx,
      { table, index, field, value }: { table: string; index: string; field: string; value: never },
    ) =>
      await ctx.db
        .query(table)
        .withIndex(index, (q) => q.eq(field, value))
        .collect(),
  ),
};

/** The program of a version. */
export async function programOf(version: Version): Promise<ComponentProgram> {
  const { schema, modules = {}, migrations: declared = {} } = version;
  const all = { documents, migrations: declared, ...modules };
  return await programFromModules({
    schema,
    modules: Object.fromEntries(
      Object.entries(all).map(([path, module]) => [`./convex/${path}.ts`, { ...module }]),
    ),
    components: { migrations: component, ...version.components },
  });
}

/** An app without code on a storage, for versions to be deployed to. */
export async function emptyApp(storage: StorageName | OpenStorage, options: object = {}): Promise<Backend> {
  return await openApp(storage, { modules: {}, schema: null, ...options });
}

export async function deploy(app: Backend, version: Version): Promise<void> {
  await app.activate(await programOf(version));
}

/** Resolves when nothing of a deploy goes on any more behind it. */
export async function settled(app: Backend): Promise<void> {
  await app.database.background.whenIdle();
  await app.scheduler.idle();
}

/** The documents of a table without their system fields, in their order of creation. */
export function fieldsOf(documents: unknown): object[] {
  const list = documents as readonly { readonly _id: string; readonly _creationTime: number }[];
  return list.map(({ _id, _creationTime, ...fields }) => fields);
}

/** The history of the tests: a team is pro or not, then has a plan. */
export const isPro: Version = {
  schema: defineSchema({
    teams: defineTable({ name: v.string(), isPro: v.boolean() }).index("by_pro", ["isPro"]),
  }),
};

const plan = v.union(v.literal("basic"), v.literal("pro"));

export const planSchema: SchemaDefinition<GenericSchema, boolean> = defineSchema({
  teams: defineTable({ name: v.string(), plan }).index("by_plan", ["plan"]),
});

interface Team {
  readonly name: string;
  readonly isPro: boolean;
}

const up = ({ isPro: wasPro, ...team }: Team): object => ({ ...team, plan: wasPro ? "pro" : "basic" });
const down = ({ name, plan: now }: { name: string; plan: string }): Team => ({ name, isPro: now === "pro" });

export const waived: object = { waived: migrations.waive("drop-field:teams.isPro") };

/** The second version, with the transform that takes the documents there, and back. */
export const withPlan: Version = {
  schema: planSchema,
  migrations: { ...waived, planFromIsPro: migrations.define({ table: "teams", up, down }) },
};

/** The same without a way back. */
export const withPlanForGood: Version = {
  schema: planSchema,
  migrations: { ...waived, planFromIsPro: migrations.define({ table: "teams", up }) },
};

/** The same once the transform is no longer needed. */
export const planOnly: Version = { schema: planSchema };
