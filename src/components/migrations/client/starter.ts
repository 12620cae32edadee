/**
 * Starting migrations and checks through the component: once, for a person who reads the answer, or batch after batch in an
 * action. Whoever starts a migration while any of its series is running gets the status of that one instead. The check reads
 * a stale snapshot, so that repeating a deploy script cannot conflict with the batches in progress.
 */
import {
  createFunctionHandle,
  getFunctionAddress,
  getFunctionName,
  makeFunctionReference,
  type Auth,
  type FunctionHandle,
  type FunctionReference,
  type GenericActionCtx,
  type GenericDataModel,
  type GenericMutationCtx,
  type GenericQueryCtx,
} from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import { dryRunData, migrationError } from "../component/failures.js";
import { given } from "../component/given.js";
import type { CheckKind, MigrationArgs, MigrationResult, Target } from "../component/protocol.js";
import type { CheckStatus, MigrationStatus } from "../component/status.js";
import type { MigrationFunctionReference } from "./definition.js";
import { checkInstructions, instructions } from "./instructions.js";

/** The parts of Convex's contexts that starting and watching migrations needs, whatever the tables of the app are. */
export type QueryCtx = Pick<GenericQueryCtx<GenericDataModel>, "runQuery">;
export type MutationCtx = Pick<GenericMutationCtx<GenericDataModel>, "runQuery" | "runMutation" | "meta"> & {
  auth?: Pick<Auth, "getUserIdentity">;
};
export type ActionCtx = Pick<GenericActionCtx<GenericDataModel>, "runQuery" | "runMutation" | "meta"> & {
  auth?: Pick<Auth, "getUserIdentity">;
};

type Options<Name extends keyof MigrationArgs> = { [Each in Name]?: MigrationArgs[Each] | undefined };

/** Options of `runOne`. They mean what they mean in `MigrationArgs`. */
export type StartOptions = Options<
  "cursor" | "batchSize" | "dryRun" | "reset" | "oneBatchOnly" | "onError" | "maxDocumentsPerSecond"
>;

/** Starts `first` with `next` behind it. If any of them is in progress, it only resolves with the status of that one. */
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
    ...given({ batchSize, oneBatchOnly, onError, maxDocumentsPerSecond }),
  });
}

/** Does the same for a person. Resolves with what to print, also after a dry run. */
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

/**
 * Does what a migration function does when a person or a deploy script calls it: starts itself. `prefixed` completes names.
 * @throws MIGRATION_ARGUMENTS when the caller names another function
 */
export async function startItself(
  ctx: MutationCtx,
  component: ComponentApi,
  args: MigrationArgs,
  prefixed: (name: string) => string,
): Promise<Record<string, unknown> | null> {
  if (args.cursor === "" || args.batchSize === 0) {
    console.warn("Running this by hand? Pass these arguments:");
    console.warn({ "Dry run": '{ "dryRun": true, "reset": true }', "For real": "{}" });
    return null;
  }
  const { name, componentPath } = await ctx.meta.getFunctionMetadata();
  if (args.fn !== undefined && prefixed(args.fn) !== name) {
    const command = `npx convex run ${name}${componentPath === "" ? "" : ` --component ${componentPath}`}`;
    const message = `Function name mismatch: expected ${name}, got ${args.fn}. Hint: call it directly with \`${command}\`.`;
    throw migrationError("MIGRATION_ARGUMENTS", message);
  }
  const next = await targetsNamed(args.next, prefixed);
  return startInteractively(ctx, component, await targetNamed(name), next, args);
}

/** Starts a rehearsal or verification of the whole migration. */
export async function startCheck(
  ctx: MutationCtx | ActionCtx,
  component: ComponentApi,
  target: Target,
  kind: CheckKind,
  batchSize: number | undefined,
): Promise<CheckStatus> {
  const startedBy = await callerOf(ctx);
  return ctx.runMutation(component.lib.check, { ...target, kind, startedBy, ...given({ batchSize }) });
}

/** The migration's name and a handle to its function. */
export async function targetOf(reference: MigrationFunctionReference): Promise<Target> {
  return { name: getFunctionName(reference), fnHandle: await createFunctionHandle(reference) };
}

/** Does the same by the migration's name. @throws MIGRATION_NOT_FOUND when there is no function of that name */
export async function targetNamed(name: string): Promise<Target> {
  const reference: FunctionReference<"mutation"> = makeFunctionReference<"mutation">(name);
  try {
    return { name, fnHandle: await createFunctionHandle(reference) };
  } catch {
    const message = `Can't find function ${name}. Name it as folder/file:export, like "migrations:addRole".`;
    throw migrationError("MIGRATION_NOT_FOUND", message, { name });
  }
}

/** Does the same for several names, which `prefixed` completes. */
export function targetsNamed(
  names: readonly string[] | undefined,
  prefixed: (name: string) => string,
): Promise<Target[]> {
  return Promise.all((names ?? []).map((name) => targetNamed(prefixed(name))));
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

/** Who calls: the name of the function, and the person where one is signed in. */
export async function callerOf(ctx: MutationCtx | ActionCtx): Promise<string> {
  const { name } = await ctx.meta.getFunctionMetadata();
  const identity = await ctx.auth?.getUserIdentity();
  if (!identity) return name;
  return `${name} by ${identity.email ?? identity.name ?? identity.tokenIdentifier}`;
}

/**
 * Options of `runToCompletion`. They mean what they mean in `MigrationArgs`. `name` is the migration's name, where `fnRef` is a
 * handle, which does not tell it.
 */
export type RunToCompletionOptions = Options<"cursor" | "batchSize" | "dryRun"> & {
  name?: string | undefined;
};

/**
 * Runs a migration from an action, batch after batch until it is done, and only as long as the action lives. Each batch
 * is a transaction of its own. If the migration is running already, resolves with its status at once. A dry run throws
 * a ConvexError whose data has `kind: "DRY RUN"` and the status that it would reach. Throws an Error with what a batch
 * failed with.
 * @throws MIGRATION_STUCK when a batch makes no progress
 */
export async function runToCompletion(
  ctx: ActionCtx,
  component: ComponentApi,
  fnRef: MigrationFunctionReference | FunctionHandle<"mutation", MigrationArgs, MigrationResult>,
  opts: RunToCompletionOptions = {},
): Promise<MigrationStatus> {
  const { name = getFunctionName(fnRef), batchSize, dryRun = false } = opts;
  const address: { functionHandle?: string } = getFunctionAddress(fnRef);
  const fnHandle = address.functionHandle ?? (await createFunctionHandle(fnRef));
  const startedBy = await callerOf(ctx);
  let { cursor } = opts;
  for (;;) {
    const status = await ctx.runMutation(component.lib.migrate, {
      name,
      fnHandle,
      dryRun,
      oneBatchOnly: true,
      startedBy,
      ...given({ cursor, batchSize }),
    });
    if (status.isDone || status.state === "inProgress") return status;
    if (status.error !== undefined) throw new Error(status.error);
    if (!status.cursor || status.cursor === cursor) {
      throw migrationError("MIGRATION_STUCK", `Migration ${name} made no progress.`, {
        name,
        cursor: cursor ?? null,
      });
    }
    cursor = status.cursor;
  }
}
