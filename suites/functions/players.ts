/** An app of one table, of which a test runs any body as a query or a mutation. */
import {
  defineSchema,
  defineTable,
  mutationGeneric,
  queryGeneric,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
  type GenericQueryCtx,
} from "convex/server";
import { v } from "convex/values";
import { call, openApp, type StorageName } from "../setup/open-app.js";

const schema = defineSchema({
  players: defineTable({ name: v.string(), score: v.number(), team: v.optional(v.string()) })
    .index("by_score", ["score"])
    .index("by_team_score", ["team", "score"]),
});

type DataModel = DataModelFromSchemaDefinition<typeof schema>;
export type QueryCtx = GenericQueryCtx<DataModel>;
export type MutationCtx = GenericMutationCtx<DataModel>;

/** Runs a body and resolves to what it returns. */
type Run<Ctx> = <T>(body: (ctx: Ctx) => T) => Promise<Awaited<T>>;

export interface Players {
  readonly read: Run<QueryCtx>;
  readonly write: Run<MutationCtx>;
}

export async function openPlayers(storage: StorageName): Promise<Players> {
  let body: (ctx: never) => unknown = () => null;
  const handler = (ctx: unknown): unknown => body(ctx as never);
  const modules = { run: { write: mutationGeneric({ handler }), read: queryGeneric({ handler }) } };
  const app = await openApp(storage, { schema, modules });
  const runner =
    <Ctx>(path: string): Run<Ctx> =>
    async <T>(next: (ctx: Ctx) => T): Promise<Awaited<T>> => {
      body = next;
      return (await call(app, path)) as Awaited<T>;
    };
  return { read: runner("run:read"), write: runner("run:write") };
}
