/**
 * The app behind the servers that are measured: scores that callers add and get, and rooms with messages that clients watch. A
 * peer without functions does the same by hand, with the same replies.
 */
import {
  defineSchema,
  defineTable,
  mutationGeneric,
  queryGeneric,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
  type GenericQueryCtx,
} from "convex/server";
import { v, type GenericId } from "convex/values";
import type { App } from "../harness/hosts.js";

export interface Score {
  readonly player: string;
  readonly score: number;
  readonly note: string;
}

/** One message, which is put into all of these rooms. */
export interface Saying {
  readonly rooms: readonly number[];
  readonly text: string;
}

/** What a client that watches a room sees. */
export const shownMessages = 10;

const score = v.object({ player: v.string(), score: v.number(), note: v.string() });
const schema = defineSchema({
  scores: defineTable(score),
  messages: defineTable({ room: v.number(), text: v.string() }).index("by_room", ["room"]),
});
type DataModel = DataModelFromSchemaDefinition<typeof schema>;
type MutationCtx = GenericMutationCtx<DataModel>;
type QueryCtx = GenericQueryCtx<DataModel>;

export const app: App = {
  schema,
  components: {},
  modules: {
    bench: {
      add: mutationGeneric({
        args: score.fields,
        handler: (ctx: MutationCtx, fields: Score) => ctx.db.insert("scores", fields),
      }),
      fill: mutationGeneric({
        args: { scores: v.array(score) },
        handler: async (ctx: MutationCtx, { scores }: { scores: Score[] }) => {
          const ids = [];
          for (const each of scores) ids.push(await ctx.db.insert("scores", each));
          return ids;
        },
      }),
      get: queryGeneric({
        args: { id: v.id("scores") },
        handler: (ctx: QueryCtx, { id }: { id: GenericId<"scores"> }) => ctx.db.get(id),
      }),
      count: queryGeneric({
        args: {},
        handler: async (ctx: QueryCtx) => (await ctx.db.query("scores").collect()).length,
      }),
      say: mutationGeneric({
        args: { rooms: v.array(v.number()), text: v.string() },
        handler: async (ctx: MutationCtx, { rooms, text }: Saying) => {
          for (const room of rooms) await ctx.db.insert("messages", { room, text });
        },
      }),
      latest: queryGeneric({
        args: { room: v.number() },
        handler: (ctx: QueryCtx, { room }: { room: number }) =>
          ctx.db
            .query("messages")
            .withIndex("by_room", (q) => q.eq("room", room))
            .order("desc")
            .take(shownMessages),
      }),
    },
  },
};
