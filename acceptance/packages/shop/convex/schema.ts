/** Tables of `convex-ents`, with what its edges add to them, and those that convex-helpers asks for. */
import { defineEnt, defineEntFromTable, defineEntSchema } from "convex-ents";
import { migrationsTable } from "convex-helpers/server/migrations";
import { rateLimitTables } from "convex-helpers/server/rateLimit";
import { v } from "convex/values";

export default defineEntSchema({
  log: defineEnt({ topic: v.string(), text: v.string() }).index("by_topic", ["topic"]),
  documents: defineEnt({ title: v.string() }),
  // convex-ents
  users: defineEnt({ name: v.string() })
    .field("email", v.string(), { unique: true })
    .field("role", v.union(v.literal("admin"), v.literal("member")), { default: "member" })
    .edge("profile", { ref: true })
    .edges("posts", { ref: true })
    .edges("tags")
    .edges("followers", { to: "users", inverse: "followees" }),
  profiles: defineEnt({ bio: v.string() }).edge("user"),
  posts: defineEnt({ text: v.string() }).edge("user").deletion("soft"),
  tags: defineEnt({ name: v.string() }).edges("users"),
  // convex-helpers
  rooms: defineEnt({ name: v.string() }),
  members: defineEnt({ roomId: v.id("rooms"), person: v.string() }).index("roomId", ["roomId"]),
  messages: defineEnt({ channel: v.string(), author: v.string(), text: v.string() }).index("by_channel", [
    "channel",
  ]),
  counts: defineEnt({ name: v.string(), count: v.number() }).index("by_name", ["name"]),
  migrations: defineEntFromTable(migrationsTable),
  rateLimits: defineEntFromTable(rateLimitTables.rateLimits),
});
