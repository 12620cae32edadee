/** A small app for the tests of triggers: three tables, and a transaction of the official mock. */
import { convexTest } from "convex-test";
import {
  defineSchema,
  defineTable,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
  type SchemaDefinition,
  type TableDefinition,
} from "convex/server";
import { v, type VFloat64, type VObject, type VString } from "convex/values";

type Row = TableDefinition<
  VObject<{ name: string; score: number }, { name: VString; score: VFloat64 }>,
  Record<never, never>,
  Record<never, never>,
  Record<never, never>
>;
const row = (): Row => defineTable({ name: v.string(), score: v.number() });

export const schema: SchemaDefinition<{ users: Row; notes: Row; log: Row }, true> = defineSchema({
  users: row(),
  notes: row(),
  log: row(),
});

export type DataModel = DataModelFromSchemaDefinition<typeof schema>;
export type Ctx = GenericMutationCtx<DataModel>;
export type Table = "users" | "notes" | "log";

/** Runs a mutation in a new database; rolls back when it throws. */
export function database(): {
  mutate<T>(handler: (ctx: Ctx) => Promise<T>): Promise<T>;
  all(table: Table): Promise<unknown[]>;
} {
  const t = convexTest(schema, { "./_generated/api.js": () => Promise.resolve({}) });
  return {
    mutate: (handler) => t.run((ctx) => handler(ctx)),
    all: (table) =>
      t.run(async (ctx) => (await ctx.db.query(table).collect()).map(({ name, score }) => ({ name, score }))),
  };
}
