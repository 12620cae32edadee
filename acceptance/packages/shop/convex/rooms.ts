/** What convex-helpers has for functions: relationships, rules of rows, filters, pages, streams, sessions, zod, crud. */
import { asyncMap } from "convex-helpers";
import { literals, nullable, typedV } from "convex-helpers/validators";
import { crud } from "convex-helpers/server/crud";
import { customCtx, customMutation, customQuery, NoOp } from "convex-helpers/server/customFunctions";
import { filter } from "convex-helpers/server/filter";
import { getPage, paginator } from "convex-helpers/server/pagination";
import { getAll, getManyFrom } from "convex-helpers/server/relationships";
import { wrapDatabaseReader, wrapDatabaseWriter, type Rules } from "convex-helpers/server/rowLevelSecurity";
import { SessionIdArg } from "convex-helpers/server/sessions";
import { mergedStream, stream } from "convex-helpers/server/stream";
import { zCustomMutation, zCustomQuery, zid } from "convex-helpers/server/zod4";
import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { z } from "zod/v4";
import type { DataModel } from "./_generated/dataModel";
import { mutation, query, type QueryCtx } from "./_generated/server";
import schema from "./schema";

export const fill = mutation({
  args: {},
  handler: async (ctx) => {
    const rooms = await asyncMap(["attic", "cellar"], (name) => ctx.db.insert("rooms", { name }));
    for (const [at, roomId] of rooms.entries()) {
      for (const person of ["ann", "bob", "cy"].slice(at)) await ctx.db.insert("members", { roomId, person });
    }
    for (let n = 0; n < 9; n++) {
      const channel = ["red", "blue", "green"][n % 3];
      await ctx.db.insert("messages", { channel, author: n % 2 === 0 ? "ann" : "bob", text: `m${n}` });
    }
    return rooms;
  },
});

export const members = query({
  args: { roomId: v.id("rooms") },
  handler: async (ctx, { roomId }) =>
    (await getManyFrom(ctx.db, "members", "roomId", roomId)).map(({ person }) => person),
});

export const names = query({
  args: { ids: v.array(v.id("rooms")) },
  handler: async (ctx, { ids }) => (await getAll(ctx.db, ids)).map((room) => room?.name ?? null),
});

const rules: Rules<QueryCtx, DataModel> = {
  messages: { read: async (_ctx, { author }) => author === "ann", insert: async () => false },
};

export const readable = customQuery(
  query,
  customCtx((ctx) => ({ db: wrapDatabaseReader(ctx, ctx.db, rules) })),
)({
  args: {},
  handler: async (ctx) => (await ctx.db.query("messages").collect()).length,
});

export const intrude = customMutation(
  mutation,
  customCtx((ctx) => ({ db: wrapDatabaseWriter(ctx, ctx.db, rules) })),
)({
  args: {},
  handler: async (ctx) =>
    void (await ctx.db.insert("messages", { channel: "red", author: "eve", text: "m" })),
});

export const filtered = query({
  args: {},
  handler: async (ctx) => {
    const found = filter(ctx.db.query("messages"), ({ text }) => text > "m6");
    return (await found.collect()).map(({ text }) => text);
  },
});

export const pages = query({
  args: { paginationOpts: paginationOptsValidator },
  handler: async (ctx, { paginationOpts }) => {
    const messages = paginator(ctx.db, schema).query("messages").withIndex("by_channel").order("desc");
    const { page, ...rest } = await messages.paginate(paginationOpts);
    return { ...rest, page: page.map(({ text }) => text) };
  },
});

/** Two pages in one transaction, which only `getPage` can do. */
export const twoPages = query({
  args: {},
  handler: async (ctx) => {
    const request = { table: "messages", index: "by_channel", schema, targetMaxRows: 4 } as const;
    const first = await getPage(ctx, request);
    const second = await getPage(ctx, { ...request, startIndexKey: first.indexKeys.at(-1)! });
    return [first, second].map(({ page }) => page.map(({ text }) => text));
  },
});

export const merged = query({
  args: { paginationOpts: paginationOptsValidator },
  handler: async (ctx, { paginationOpts }) => {
    const channels = ["red", "blue"].map((channel) =>
      stream(ctx.db, schema)
        .query("messages")
        .withIndex("by_channel", (q) => q.eq("channel", channel)),
    );
    const both = mergedStream(channels, ["_creationTime"]).filterWith(async ({ text }) => text !== "m3");
    const { page, ...rest } = await both.paginate(paginationOpts);
    return { ...rest, page: page.map(({ text }) => text) };
  },
});

export const joined = query({
  args: {},
  handler: async (ctx) => {
    const people = stream(ctx.db, schema)
      .query("rooms")
      .flatMap(
        async ({ _id }) =>
          stream(ctx.db, schema)
            .query("members")
            .withIndex("roomId", (q) => q.eq("roomId", _id)),
        ["roomId"],
      );
    const channels = stream(ctx.db, schema).query("messages").withIndex("by_channel").distinct(["channel"]);
    return {
      people: (await people.collect()).map(({ person }) => person),
      channels: (await channels.collect()).map(({ channel }) => channel),
    };
  },
});

const sessionQuery = customQuery(query, {
  args: SessionIdArg,
  input: async (ctx, { sessionId }) => ({ ctx: { ...ctx, sessionId }, args: {} }),
});
export const session = sessionQuery({ args: {}, handler: (ctx) => ctx.sessionId });

export const domainOf = zCustomQuery(
  query,
  NoOp,
)({
  args: { email: z.email() },
  returns: z.string(),
  handler: (_ctx, { email }) => email.split("@")[1],
});

export const rename = zCustomMutation(
  mutation,
  NoOp,
)({
  args: { id: zid("rooms"), name: z.string().transform((name) => name.trim()) },
  handler: async (ctx, { id, name }) => {
    await ctx.db.patch(id, { name });
    return name;
  },
});

export const { create, read, update, destroy } = crud(schema, "rooms", query, mutation);

export const paint = query({
  args: { color: literals("red", "blue"), room: nullable(typedV(schema).id("rooms")) },
  handler: (_ctx, { color }) => color,
});
