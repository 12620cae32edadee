/**
 * Starting migrations through the component. Whoever starts one while any of its series is running gets
 * that one's status instead: the check reads a stale snapshot, so that repeating a deploy script cannot
 * conflict with the batches in progress.
 */
import {
  createFunctionHandle,
  getFunctionName,
  makeFunctionReference,
  type FunctionReference,
} from "convex/server";
import type { ComponentApi, StartArgs } from "../component/_generated/component.js";
import { dryRunData, migrationError } from "../failures.js";
import type { MigrationArgs, OnError } from "../protocol.js";
import type { CheckStatus, MigrationStatus } from "../status.js";
import { callerOf, type ActionCtx, type MutationCtx } from "./contexts.js";
import type { MigrationFunctionReference } from "./definition.js";
import { checkInstructions, instructions } from "./instructions.js";

/** Options of a start; as in `MigrationArgs`. */
export interface StartOptions {
  cursor?: string | null | undefined;
  batchSize?: number | undefined;
  dryRun?: boolean | undefined;
  reset?: boolean | undefined;
  oneBatchOnly?: boolean | undefined;
  onError?: OnError | undefined;
  maxDocumentsPerSecond?: number | undefined;
}

/** A migration by its name and its function. */
export type Target = StartArgs["next"] extends (infer One)[] | undefined ? One : never;

/** Starts `first` with `next` behind it. Resolves with the status of whichever of them is in progress. */
export async function startMigration(
  ctx: MutationCtx | ActionCtx,
  component: ComponentApi,
  first: Target,
  next: Target[],
  options: StartOptions,
): Promise<MigrationStatus> {
  if (options.reset !== true) {
    const running = await anyInProgress(
      ctx,
      component,
      [first, ...next].map(({ name }) => name),
    );
    if (running !== undefined) return running;
  }
  const { batchSize, cursor, reset, oneBatchOnly, onError, maxDocumentsPerSecond } = options;
  return ctx.runMutation(component.lib.migrate, {
    ...first,
    dryRun: options.dryRun ?? false,
    startedBy: await callerOf(ctx),
    ...(next.length > 0 ? { next } : {}),
    ...(reset === true ? { reset, cursor: null } : {}),
    ...(reset !== true && cursor !== undefined ? { cursor } : {}),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(oneBatchOnly === undefined ? {} : { oneBatchOnly }),
    ...(onError === undefined ? {} : { onError }),
    ...(maxDocumentsPerSecond === undefined ? {} : { maxDocumentsPerSecond }),
  });
}

/** The same for a person: resolves with what to print, also after a dry run. */
export async function startInteractively(
  ctx: MutationCtx | ActionCtx,
  component: ComponentApi,
  first: Target,
  next: Target[],
  args: MigrationArgs,
): Promise<Record<string, unknown>> {
  const calledAt = Date.now();
  const { componentPath } = await ctx.meta.getFunctionMetadata();
  if (args.dryRun === true && args.full === true) {
    return checkInstructions(
      await startCheck(ctx, component, first, "rehearse", args.batchSize),
      componentPath,
    );
  }
  try {
    const status = await startMigration(ctx, component, first, next, args);
    return instructions(status.name, status, args, { componentPath, calledAt });
  } catch (error) {
    const found = args.dryRun === true ? dryRunData(error) : null;
    if (found === null) throw error;
    const output = instructions(first.name, found["status"] as MigrationStatus, args, {
      componentPath,
      calledAt,
    });
    return found["rehearsal"] === undefined ? output : { ...output, rehearsal: found["rehearsal"] };
  }
}

/** Starts a rehearsal or verification of the whole migration. */
export async function startCheck(
  ctx: MutationCtx | ActionCtx,
  component: ComponentApi,
  target: Target,
  kind: CheckStatus["kind"],
  batchSize: number | undefined,
): Promise<CheckStatus> {
  const startedBy = await callerOf(ctx);
  const size = batchSize === undefined ? {} : { batchSize };
  return ctx.runMutation(component.lib.check, { ...target, kind, startedBy, ...size });
}

/** The migration's name and a handle to its function. */
export async function targetOf(reference: MigrationFunctionReference): Promise<Target> {
  return { name: getFunctionName(reference), fnHandle: await createFunctionHandle(reference) };
}

/** The same by name. Throws MIGRATION_NOT_FOUND. */
export async function targetNamed(name: string): Promise<Target> {
  const reference: FunctionReference<"mutation"> = makeFunctionReference<"mutation">(name);
  try {
    return { name, fnHandle: await createFunctionHandle(reference) };
  } catch {
    const message = `Can't find function ${name}. Name it as folder/file:export, like "migrations:addRole".`;
    throw migrationError("MIGRATION_NOT_FOUND", message, { name });
  }
}

async function anyInProgress(
  ctx: MutationCtx | ActionCtx,
  component: ComponentApi,
  names: string[],
): Promise<MigrationStatus | undefined> {
  const { type } = await ctx.meta.getFunctionMetadata();
  const statuses =
    type === "mutation"
      ? await (ctx as MutationCtx).runQuery(component.lib.getStatus, { names }, { useStaleSnapshot: true })
      : await ctx.runQuery(component.lib.getStatus, { names });
  return statuses.find(({ state }) => state === "inProgress");
}
