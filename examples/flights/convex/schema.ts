import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  flights: defineTable({
    /** Minutes late; negative when early. */
    delay: v.number(),
    /** Miles. */
    distance: v.number(),
    /** Hour of departure with its fraction, 0 up to 24. */
    time: v.number(),
  }).index("by_delay", ["delay"]),
});
