/**
 * The component's functions, as an app calls them and as people do:
 * `npx convex run --component migrations lib:getStatus --watch`. What they do is in the folders beside. The functions that only
 * the component itself calls are at the end.
 */
import { v } from "convex/values";
import { internalMutation, mutation, query } from "./_generated/server.js";
import * as chain from "./batches/chain.js";
import { start } from "./commands/start.js";
import * as steering from "./commands/steering.js";
import { checkStatusOf, statusOf, unknownStatus } from "./commands/status_of.js";
import * as checks from "./jobs/check_job.js";
import { findMigration, getMigration } from "./jobs/job.js";
import {
  forgetQuarantine,
  quarantined,
  quarantinedDocument as quarantinedDocumentOf,
} from "./jobs/quarantine.js";
import { history } from "./jobs/runs.js";
import { checkArgs, startArgs, tuning } from "./protocol.js";
import { checkStatus, migrationStatus, quarantinedDocument, retryResult, runSummary } from "./status.js";

const name = v.string();
const limit = v.optional(v.number());
const startedBy = v.optional(v.string());

/** Starts or resumes a migration. The migration functions and runners of an app call it. */
export const migrate = mutation({ args: startArgs, returns: migrationStatus, handler: start });

/** The named migrations in the order of their names, or the latest `limit` (100) in the order of creation. */
export const getStatus = query({
  args: { names: v.optional(v.array(v.string())), limit },
  returns: v.array(migrationStatus),
  handler: async (ctx, args) => {
    if (args.names === undefined) {
      const rows = await ctx.db
        .query("migrations")
        .order("desc")
        .take(args.limit ?? 100);
      return Promise.all(rows.toReversed().map((row) => statusOf(ctx, row)));
    }
    return Promise.all(
      args.names.map(async (each) => {
        const row = await findMigration(ctx, each);
        return row === null ? unknownStatus(each) : statusOf(ctx, row);
      }),
    );
  },
});

/** The latest runs of one migration, or of all, latest first. */
export const getHistory = query({
  args: { name: v.optional(name), limit },
  returns: v.array(runSummary),
  handler: async (ctx, args) => history(ctx, args.name, args.limit ?? 100),
});

/** The latest rehearsal and verification of one migration, or of all. */
export const getChecks = query({
  args: { name: v.optional(name) },
  returns: v.array(checkStatus),
  handler: async (ctx, args) =>
    Promise.all((await checks.checksOf(ctx, args.name)).map((row) => checkStatusOf(ctx, row))),
});

/** The documents of a migration that failed and were put aside, first to last. */
export const getQuarantine = query({
  args: { name, limit },
  returns: v.array(quarantinedDocument),
  handler: async (ctx, args) => {
    const row = await getMigration(ctx, args.name);
    return (await quarantined(ctx, row, args.limit ?? 100)).map(quarantinedDocumentOf);
  },
});

/** Stops a migration. Starting it again resumes it. */
export const cancel = mutation({
  args: { name },
  returns: migrationStatus,
  handler: async (ctx, args) => steering.halt(ctx, await getMigration(ctx, args.name), "canceled"),
});

/** Stops all migrations that are in progress. */
export const cancelAll = mutation({
  args: { sinceTs: v.optional(v.number()) },
  returns: v.array(migrationStatus),
  handler: async (ctx, { sinceTs }) => steering.cancelAll(ctx, sinceTs ?? 0),
});

/** Stops a migration until it is resumed. Starting it again leaves it paused. */
export const pause = mutation({
  args: { name },
  returns: migrationStatus,
  handler: async (ctx, args) => steering.halt(ctx, await getMigration(ctx, args.name), "paused"),
});

/** Lets a migration that is paused, cancelled or failed go on, with all that it was started with. */
export const resume = mutation({
  args: { name, startedBy },
  returns: migrationStatus,
  handler: async (ctx, args) => steering.resume(ctx, await getMigration(ctx, args.name), args.startedBy),
});

/** Changes how a migration runs, also while it does. Null goes back to what its definition says. */
export const tune = mutation({
  args: { name, ...tuning.fields },
  returns: migrationStatus,
  handler: async (ctx, args) => steering.tune(ctx, await getMigration(ctx, args.name), args),
});

/** Undoes a migration with its `down`, as far as it has come. */
export const revert = mutation({
  args: { name, startedBy },
  returns: migrationStatus,
  handler: async (ctx, args) => steering.revert(ctx, await getMigration(ctx, args.name), args.startedBy),
});

/** Migrates the documents in quarantine again. */
export const retry = mutation({
  args: { name },
  returns: retryResult,
  handler: async (ctx, args) => steering.retry(ctx, await getMigration(ctx, args.name)),
});

/** Rehearses or verifies a migration, all of it, in the background. */
export const check = mutation({
  args: checkArgs,
  returns: checkStatus,
  handler: async (ctx, args) => checkStatusOf(ctx, await checks.startCheck(ctx, args)),
});

/** Stops and forgets the rehearsal and verification of a migration. */
export const stopChecks = mutation({
  args: { name },
  returns: v.null(),
  handler: (ctx, args) => checks.stopChecks(ctx, args.name),
});

/** Forgets what is known of all migrations, so that they would run again from the beginning. */
export const clearAll = mutation({
  args: { before: v.optional(v.number()) },
  returns: v.null(),
  handler: (ctx, { before }) => steering.clearAll(ctx, before ?? Date.now()),
});

const job = v.union(v.id("migrations"), v.id("ranges"), v.id("checks"));

/** Runs the next batch of a job. */
export const work = internalMutation({
  args: { job, turn: v.number() },
  returns: v.null(),
  handler: (ctx, args) => chain.work(ctx, args.job, args.turn),
});

/** Looks whether a job's worker is alive. */
export const supervise = internalMutation({
  args: { job },
  returns: v.null(),
  handler: (ctx, args) => chain.supervise(ctx, args.job),
});

/** Goes on retrying the documents put aside until `until`. */
export const retryRest = internalMutation({
  args: { name, until: v.number() },
  returns: v.null(),
  handler: async (ctx, args) => {
    const row = await findMigration(ctx, args.name);
    if (row !== null) await steering.retry(ctx, row, args.until);
  },
});

/** Goes on forgetting the documents put aside before `epoch`. */
export const forget = internalMutation({
  args: { name, epoch: v.number() },
  returns: v.null(),
  handler: (ctx, args) => forgetQuarantine(ctx, args.name, args.epoch),
});
