/**
 * The component's functions, as an app calls them and as people do:
 * `npx convex run --component migrations lib:getStatus --watch`. What they do is in the files beside.
 */
import type { RegisteredMutation, RegisteredQuery } from "convex/server";
import { v } from "convex/values";
import { migrationStatus, type MigrationStatus } from "../protocol.js";
import type { StartArgs } from "./_generated/component.js";
import { internalMutation, mutation, query } from "./_generated/server.js";
import { supervise as superviseChain, work as workOn } from "./chain.js";
import { history, type RunSummary } from "./history.js";
import type { MigrationRow } from "./rows.js";
import { start } from "./start.js";
import {
  cancel as cancelJob,
  cancelAll as cancelJobs,
  clearAll as clearJobs,
  getMigration,
} from "./steering.js";
import { findMigration } from "./state.js";
import { statusOf, unknownStatus } from "./status.js";

/** Starts or resumes a migration; called by the runner functions of an app. */
export const migrate: RegisteredMutation<"public", StartArgs, Promise<MigrationStatus>> = mutation({
  args: {
    name: v.string(),
    fnHandle: v.string(),
    cursor: v.optional(v.union(v.string(), v.null())),
    batchSize: v.optional(v.number()),
    oneBatchOnly: v.optional(v.boolean()),
    next: v.optional(v.array(v.object({ name: v.string(), fnHandle: v.string() }))),
    dryRun: v.boolean(),
    reset: v.optional(v.boolean()),
    startedBy: v.optional(v.string()),
  },
  returns: migrationStatus,
  handler: start,
});

/** Runs the next batch of a job. */
export const work: RegisteredMutation<
  "internal",
  { migration: MigrationRow["_id"]; turn: number },
  Promise<null>
> = internalMutation({
  args: { migration: v.id("migrations"), turn: v.number() },
  returns: v.null(),
  handler: async (ctx, { migration, turn }) => {
    await workOn(ctx, await ctx.db.get("migrations", migration), turn);
    return null;
  },
});

/** Looks whether a job's worker is alive. */
export const supervise: RegisteredMutation<
  "internal",
  { migration: MigrationRow["_id"] },
  Promise<null>
> = internalMutation({
  args: { migration: v.id("migrations") },
  returns: v.null(),
  handler: async (ctx, { migration }) => {
    await superviseChain(ctx, await ctx.db.get("migrations", migration));
    return null;
  },
});

/** The named migrations in the order of their names, or the latest `limit` (100) in the order of creation. */
export const getStatus: RegisteredQuery<
  "public",
  { names?: string[]; limit?: number },
  Promise<MigrationStatus[]>
> = query({
  args: { names: v.optional(v.array(v.string())), limit: v.optional(v.number()) },
  returns: v.array(migrationStatus),
  handler: async (ctx, { names, limit }) => {
    if (names !== undefined) {
      return Promise.all(
        names.map(async (name) => {
          const row = await findMigration(ctx, name);
          return row === null ? unknownStatus(name) : statusOf(ctx, row);
        }),
      );
    }
    const rows = await ctx.db
      .query("migrations")
      .order("desc")
      .take(limit ?? 100);
    return Promise.all(rows.toReversed().map((row) => statusOf(ctx, row)));
  },
});

/** The latest runs of one migration, or of all, latest first. */
export const getHistory: RegisteredQuery<
  "public",
  { name?: string; limit?: number },
  Promise<RunSummary[]>
> = query({
  args: { name: v.optional(v.string()), limit: v.optional(v.number()) },
  handler: async (ctx, { name, limit }) => history(ctx, name, limit ?? 100),
});

/** Stops a migration that is in progress. */
export const cancel: RegisteredMutation<"public", { name: string }, Promise<MigrationStatus>> = mutation({
  args: { name: v.string() },
  returns: migrationStatus,
  handler: async (ctx, { name }) => {
    const status = await cancelJob(ctx, await getMigration(ctx, name));
    if (status.state !== "canceled") console.log(`Migration ${name} was not running: ${status.state}`);
    return status;
  },
});

/** Stops all migrations that are in progress. */
export const cancelAll: RegisteredMutation<
  "public",
  { sinceTs?: number },
  Promise<MigrationStatus[]>
> = mutation({
  args: { sinceTs: v.optional(v.number()) },
  returns: v.array(migrationStatus),
  handler: async (ctx, { sinceTs }) => cancelJobs(ctx, sinceTs ?? 0),
});

/** Forgets what is known of all migrations, so that they would run again from the beginning. */
export const clearAll: RegisteredMutation<"public", { before?: number }, Promise<null>> = mutation({
  args: { before: v.optional(v.number()) },
  returns: v.null(),
  handler: async (ctx, { before }) => {
    await clearJobs(ctx, before ?? Date.now());
    return null;
  },
});
