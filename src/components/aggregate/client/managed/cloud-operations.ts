/**
 * Makes the internal functions that an app exports to drive a managed aggregate where no engine does. `advance` does as much
 * of what is due as fits into a transaction, and schedules itself until nothing is due.
 */
import {
  getFunctionName,
  internalMutationGeneric,
  internalQueryGeneric,
  makeFunctionReference,
  type FunctionReference,
  type GenericDataModel,
  type GenericMutationCtx,
  type GenericQueryCtx,
  type RegisteredMutation,
  type RegisteredQuery,
} from "convex/server";
import { v } from "convex/values";
import type { Managed } from "./managed.js";
import type { Advance, AggregateStatus, StartVerifyOptions, VerifyReport } from "../../../../seams/index.js";

type NoArgs = Record<string, never>;
type ReportArgs = { runId?: string | undefined; cursor?: string | undefined };

/** A module: `internal.aggregates`, or its path ("aggregates") where the type of `internal` would depend on itself. */
export type OperationsModule = object | string;

export type AdvanceReference = FunctionReference<"mutation", "internal", NoArgs>;

/** What a step of work returns: whether more is due, and after how many milliseconds. */
interface Step {
  due: boolean;
  waitMs?: number;
  /** True when an error stops the work until somebody mends it. */
  hasFailed?: boolean;
}

/** Work that is done in steps, checks included. */
interface SteppedWork<After extends Step> {
  start(ctx: GenericMutationCtx<GenericDataModel>, options: StartVerifyOptions): Promise<string>;
  advance(ctx: GenericMutationCtx<GenericDataModel>): Promise<After>;
  report(
    ctx: GenericQueryCtx<GenericDataModel>,
    runId: string | undefined,
    cursor: string | undefined,
  ): Promise<VerifyReport | null>;
}

/** Internal functions, which the module that `operations` was given has to export. */
export interface ScheduledOperations<After extends Step> {
  /** Does a step of what is due, and schedules itself until nothing is due. */
  advance: RegisteredMutation<"internal", NoArgs, Promise<After>>;
  /** Begins a check. Returns its id, for `report`. */
  verify: RegisteredMutation<"internal", NoArgs, Promise<string>>;
  /** Begins a check that mends what it finds. */
  repair: RegisteredMutation<"internal", NoArgs, Promise<string>>;
  /** Returns a page of what a check found, by default the latest one. */
  report: RegisteredQuery<"internal", ReportArgs, Promise<VerifyReport | null>>;
}

/** The operations of a managed aggregate. */
export interface ManagedOperations extends ScheduledOperations<Advance> {
  status: RegisteredQuery<"internal", NoArgs, Promise<AggregateStatus>>;
}

/** Makes the functions that begin work and keep it going through a reference to their `advance`. */
export function scheduledOperations<After extends Step>(
  work: SteppedWork<After>,
  advance: AdvanceReference,
): ScheduledOperations<After> {
  const start = async (ctx: GenericMutationCtx<GenericDataModel>, repair: boolean): Promise<string> => {
    const runId = await work.start(ctx, { repair, startedBy: "operations" });
    await ctx.scheduler.runAfter(0, advance, {});
    return runId;
  };
  return {
    advance: internalMutationGeneric({
      args: {},
      handler: async (ctx): Promise<After> => {
        const after = await work.advance(ctx);
        // Work that failed waits until somebody mends its cause.
        if (after.due && after.hasFailed !== true) {
          await ctx.scheduler.runAfter(after.waitMs ?? 0, advance, {});
        }
        return after;
      },
    }),
    verify: internalMutationGeneric({ args: {}, handler: (ctx): Promise<string> => start(ctx, false) }),
    repair: internalMutationGeneric({ args: {}, handler: (ctx): Promise<string> => start(ctx, true) }),
    report: internalQueryGeneric({
      args: { runId: v.optional(v.string()), cursor: v.optional(v.string()) },
      handler: (ctx, { runId, cursor }): Promise<VerifyReport | null> => work.report(ctx, runId, cursor),
    }),
  };
}

/** Makes the functions of an aggregate, which keep going through a reference to its `advance`. */
export function cloudOperations(managed: Managed, advance: AdvanceReference): ManagedOperations {
  const work: SteppedWork<Advance> = {
    start: (ctx, options) => managed.startVerify(ctx, options),
    advance: (ctx) => managed.proceed(ctx, true),
    report: (ctx, runId, cursor) => managed.report(ctx, runId, cursor),
  };
  return {
    ...scheduledOperations(work, advance),
    status: internalQueryGeneric({
      args: {},
      handler: (ctx): Promise<AggregateStatus> => managed.status(ctx),
    }),
  };
}

/** Refers to the `advance` of a module, which is given as `internal.aggregates` or by its path, "aggregates". */
export function advanceReference(module: OperationsModule): AdvanceReference {
  const path = typeof module === "string" ? `${module}:advance` : getFunctionName(memberOf(module));
  return makeFunctionReference<"mutation", NoArgs>(path) as unknown as AdvanceReference;
}

/** Reads a member by name, because a reference is a proxy whose members exist only when they are asked for. */
function memberOf(module: object): AdvanceReference {
  return Reflect.get(module, "advance") as AdvanceReference;
}
