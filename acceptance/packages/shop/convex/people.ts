/** `convex-ents`: edges of each kind, unique fields and defaults, soft deletion, rules. */
import { addEntRules, entsTableFactory, getEntDefinitions } from "convex-ents";
import { customCtx, customMutation, customQuery } from "convex-helpers/server/customFunctions";
import { paginationOptsValidator } from "convex/server";
import { v } from "convex/values";
import { mutation as rawMutation, query as rawQuery } from "./_generated/server";
import schema from "./schema";

const definitions = getEntDefinitions(schema);
const query = customQuery(
  rawQuery,
  customCtx((ctx) => ({ table: entsTableFactory(ctx, definitions) })),
);
const mutation = customMutation(
  rawMutation,
  customCtx((ctx) => ({ table: entsTableFactory(ctx, definitions) })),
);
const guarded = addEntRules(definitions, { posts: { read: async ({ text }) => !text.startsWith("secret") } });
const guardedQuery = customQuery(
  rawQuery,
  customCtx((ctx) => ({ table: entsTableFactory(ctx, guarded) })),
);

export const join = mutation({
  args: { name: v.string(), bio: v.string(), tags: v.array(v.string()) },
  handler: async (ctx, { name, bio, tags }) => {
    const tagIds = [];
    for (const tag of tags) tagIds.push(await ctx.table("tags").insert({ name: tag }));
    const user = await ctx
      .table("users")
      .insert({ name, role: "member", email: `${name}@example.com`, tags: tagIds });
    await ctx.table("profiles").insert({ bio, userId: user });
    return user;
  },
});

export const write = mutation({
  args: { userId: v.id("users"), text: v.string() },
  handler: (ctx, post) => ctx.table("posts").insert(post),
});

export const follow = mutation({
  args: { who: v.id("users"), whom: v.id("users") },
  handler: async (ctx, { who, whom }) => {
    await ctx
      .table("users")
      .getX(who)
      .patch({ followees: { add: [whom] } });
  },
});

export const removePost = mutation({
  args: { id: v.id("posts") },
  handler: async (ctx, { id }) => void (await ctx.table("posts").getX(id).delete()),
});

export const leave = mutation({
  args: { id: v.id("users") },
  handler: async (ctx, { id }) => void (await ctx.table("users").getX(id).delete()),
});

export const look = query({
  args: { name: v.string() },
  handler: async (ctx, { name }) => {
    const user = await ctx.table("users").getX("email", `${name}@example.com`);
    return {
      role: user.role,
      bio: (await user.edge("profile"))?.bio,
      posts: (await user.edge("posts")).map(({ text }) => text),
      tags: (await user.edge("tags")).map((tag) => tag.name),
      followers: (await user.edge("followers")).map((follower) => follower.name),
    };
  },
});

export const posts = query({
  args: {},
  handler: async (ctx) =>
    await ctx.table("posts").map(async (post) => {
      const { name } = await post.edge("user");
      return `${name}: ${post.text}${post.deletionTime === undefined ? "" : " (deleted)"}`;
    }),
});

export const readable = guardedQuery({
  args: {},
  handler: async (ctx) => (await ctx.table("posts")).map(({ text }) => text),
});

export const page = query({
  args: { paginationOpts: paginationOptsValidator },
  handler: async (ctx, { paginationOpts }) =>
    await ctx
      .table("users")
      .order("desc")
      .paginate(paginationOpts)
      .map(({ name }) => name),
});
