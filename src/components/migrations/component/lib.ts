/**
 * The component's functions, as an app calls them and as people do:
 * `npx convex run --component migrations lib:getStatus --watch`. What they do is in the files beside; what
 * only the component itself calls is at the end.
 */
import type { RegisteredMutation, RegisteredQuery } from "convex/server";
import { v } from "convex/values";
import { onError } from "../protocol.js";
import {
  migrationStatus,
  type CheckStatus,
  type MigrationStatus,
  type QuarantinedDocument,
  type RetryResult,
  type RunSummary,
} from "../status.js";
import type { CheckArgs, StartArgs, TuneArgs } from "./_generated/component.js";
import { internalMutation, mutation, query } from "./_generated/server.js";
import { supervise as superviseChain, work as workOn } from "./chain.js";
import { checksOf, startCheck, stopChecks as stopChecksOf } from "./checks.js";
import { forgetQuarantine, quarantined, quarantinedDocument } from "./quarantine.js";
import { retry as retryQuarantined } from "./retry.js";
import type { JobRow } from "./rows.js";
import { history } from "./run_log.js";
import { start } from "./start.js";
import * as steering from "./steering.js";
import { findMigration, getMigration } from "./state.js";
import { checkStatusOf, statusOf, unknownStatus } from "./status_of.js";

type Mutation<Args extends Record<string, unknown>, Result> = RegisteredMutation<
  "public",
  Args,
  Promise<Result>
>;
type Query<Args extends Record<string, unknown>, Result> = RegisteredQuery<"public", Args, Promise<Result>>;
type Internal<Args extends Record<string, unknown>> = RegisteredMutation<"internal", Args, Promise<null>>;

const startedBy = v.optional(v.string());

/** Starts or resumes a migration; called by the migration functions and runners of an app. */
export const migrate: Mutation<StartArgs, MigrationStatus> = mutation({
  args: {
    name: v.string(),
    fnHandle: v.string(),
    cursor: v.optional(v.union(v.string(), v.null())),
    batchSize: v.optional(v.number()),
    oneBatchOnly: v.optional(v.boolean()),
    next: v.optional(v.array(v.object({ name: v.string(), fnHandle: v.string() }))),
    dryRun: v.boolean(),
    reset: v.optional(v.boolean()),
    onError: v.optional(onError),
    maxDocumentsPerSecond: v.optional(v.number()),
    startedBy,
  },
  returns: migrationStatus,
  handler: start,
});

/** The named migrations in the order of their names, or the latest `limit` (100) in the order of creation. */
export const getStatus: Query<{ names?: string[]; limit?: number }, MigrationStatus[]> = query({
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
export const getHistory: Query<{ name?: string; limit?: number }, RunSummary[]> = query({
  args: { name: v.optional(v.string()), limit: v.optional(v.number()) },
  handler: async (ctx, { name, limit }) => history(ctx, name, limit ?? 100),
});

/** The latest rehearsal and verification of one migration, or of all. */
export const getChecks: Query<{ name?: string }, CheckStatus[]> = query({
  args: { name: v.optional(v.string()) },
  handler: async (ctx, { name }) =>
    Promise.all((await checksOf(ctx, name)).map((row) => checkStatusOf(ctx, row))),
});

/** The documents of a migration that failed and were put aside, first to last. */
export const getQuarantine: Query<{ name: string; limit?: number }, QuarantinedDocument[]> = query({
  args: { name: v.string(), limit: v.optional(v.number()) },
  handler: async (ctx, { name, limit }) => {
    const row = await getMigration(ctx, name);
    return (await quarantined(ctx, row, limit ?? 100)).map(quarantinedDocument);
  },
});

/** Stops a migration; starting it again resumes it. */
export const cancel: Mutation<{ name: string }, MigrationStatus> = mutation({
  args: { name: v.string() },
  returns: migrationStatus,
  handler: async (ctx, { name }) => steering.halt(ctx, await getMigration(ctx, name), "canceled"),
});

/** Stops all migrations that are in progress. */
export const cancelAll: Mutation<{ sinceTs?: number }, MigrationStatus[]> = mutation({
  args: { sinceTs: v.optional(v.number()) },
  returns: v.array(migrationStatus),
  handler: async (ctx, { sinceTs }) => steering.cancelAll(ctx, sinceTs ?? 0),
});

/** Stops a migration until it is resumed: starting it again leaves it paused. */
export const pause: Mutation<{ name: string }, MigrationStatus> = mutation({
  args: { name: v.string() },
  returns: migrationStatus,
  handler: async (ctx, { name }) => steering.halt(ctx, await getMigration(ctx, name), "paused"),
});

/** Lets a migration that is paused, cancelled or failed go on, with all it was started with. */
export const resume: Mutation<{ name: string; startedBy?: string }, MigrationStatus> = mutation({
  args: { name: v.string(), startedBy },
  returns: migrationStatus,
  handler: async (ctx, args) => steering.resume(ctx, await getMigration(ctx, args.name), args.startedBy),
});

/** Changes how a migration runs, also while it does; null goes back to what its definition says. */
export const tune: Mutation<TuneArgs, MigrationStatus> = mutation({
  args: {
    name: v.string(),
    batchSize: v.optional(v.union(v.number(), v.null())),
    maxDocumentsPerSecond: v.optional(v.union(v.number(), v.null())),
    onError: v.optional(v.union(onError, v.null())),
  },
  returns: migrationStatus,
  handler: async (ctx, { name, ...tuning }) => steering.tune(ctx, await getMigration(ctx, name), tuning),
});

/** Undoes a migration with its `down`, as far as it has come. */
export const revert: Mutation<{ name: string; startedBy?: string }, MigrationStatus> = mutation({
  args: { name: v.string(), startedBy },
  returns: migrationStatus,
  handler: async (ctx, args) => steering.revert(ctx, await getMigration(ctx, args.name), args.startedBy),
});

/** Migrates the documents in quarantine again. */
export const retry: Mutation<{ name: string }, RetryResult> = mutation({
  args: { name: v.string() },
  handler: async (ctx, { name }) => retryQuarantined(ctx, await getMigration(ctx, name)),
});

/** Rehearses or verifies a migration, all of it, in the background. */
export const check: Mutation<CheckArgs, CheckStatus> = mutation({
  args: {
    name: v.string(),
    kind: v.union(v.literal("rehearse"), v.literal("verify")),
    fnHandle: v.optional(v.string()),
    batchSize: v.optional(v.number()),
    startedBy,
  },
  handler: startCheck,
});

/** Stops and forgets the rehearsal and verification of a migration. */
export const stopChecks: Mutation<{ name: string }, null> = mutation({
  args: { name: v.string() },
  returns: v.null(),
  handler: async (ctx, { name }) => {
    await stopChecksOf(ctx, name);
    return null;
  },
});

/** Forgets what is known of all migrations, so that they would run again from the beginning. */
export const clearAll: Mutation<{ before?: number }, null> = mutation({
  args: { before: v.optional(v.number()) },
  returns: v.null(),
  handler: async (ctx, { before }) => {
    await steering.clearAll(ctx, before ?? Date.now());
    return null;
  },
});

const jobId = v.union(v.id("migrations"), v.id("ranges"), v.id("checks"));

/** Runs the next batch of a job. */
export const work: Internal<{ job: JobRow["_id"]; turn: number }> = internalMutation({
  args: { job: jobId, turn: v.number() },
  returns: v.null(),
  handler: async (ctx, { job, turn }) => {
    await workOn(ctx, await ctx.db.get(job), turn);
    return null;
  },
});

/** Looks whether a job's worker is alive. */
export const supervise: Internal<{ job: JobRow["_id"] }> = internalMutation({
  args: { job: jobId },
  returns: v.null(),
  handler: async (ctx, { job }) => {
    await superviseChain(ctx, await ctx.db.get(job));
    return null;
  },
});

/** Goes on retrying the documents put aside until `until`. */
export const retryRest: Internal<{ name: string; until: number }> = internalMutation({
  args: { name: v.string(), until: v.number() },
  returns: v.null(),
  handler: async (ctx, { name, until }) => {
    const row = await findMigration(ctx, name);
    if (row !== null) await retryQuarantined(ctx, row, until);
    return null;
  },
});

/** Goes on forgetting the documents put aside before `epoch`. */
export const forget: Internal<{ name: string; epoch: number }> = internalMutation({
  args: { name: v.string(), epoch: v.number() },
  returns: v.null(),
  handler: async (ctx, { name, epoch }) => {
    await forgetQuarantine(ctx, name, epoch);
    return null;
  },
});
