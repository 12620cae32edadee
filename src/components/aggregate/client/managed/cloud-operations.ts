/**
 * What drives a managed aggregate where no engine does: internal functions of the app, which it exports. `advance` does a
 * transaction's worth of what is due and schedules itself until nothing is.
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

/**
 * A module: its path, "aggregates"; or `internal.aggregates`, where TypeScript does not find that the type of `internal` then
 * depends on itself.
 */
export type OperationsModule = object | string;

export type AdvanceReference = FunctionReference<"mutation", "internal", NoArgs>;

/** What a step of work leaves: whether to call again, after `waitMs` if that is given. */
interface Step {
  due: boolean;
  waitMs?: number;
  /** True when an error holds it up. */
  hasFailed?: boolean;
}

/** Work that goes on in steps, among it checks. */
interface SteppedWork<After extends Step> {
  start(ctx: GenericMutationCtx<GenericDataModel>, options: StartVerifyOptions): Promise<string>;
  advance(ctx: GenericMutationCtx<GenericDataModel>): Promise<After>;
  report(
    ctx: GenericQueryCtx<GenericDataModel>,
    runId: string | undefined,
    cursor: string | undefined,
  ): Promise<VerifyReport | null>;
}

/** Internal functions; export them from the module that `operations` was given. */
export interface ScheduledOperations<After extends Step> {
  /** Goes on with what is due, until nothing is. */
  advance: RegisteredMutation<"internal", NoArgs, Promise<After>>;
  /** Begins a check. Returns its id, for `report`. */
  verify: RegisteredMutation<"internal", NoArgs, Promise<string>>;
  /** Begins a check that mends what it finds. */
  repair: RegisteredMutation<"internal", NoArgs, Promise<string>>;
  /** A page of what a check found, by default the latest. */
  report: RegisteredQuery<"internal", ReportArgs, Promise<VerifyReport | null>>;
}

/** Those of a managed aggregate. */
export interface ManagedOperations extends ScheduledOperations<Advance> {
  status: RegisteredQuery<"internal", NoArgs, Promise<AggregateStatus>>;
}

/** The functions that begin work and keep it going through a reference to their `advance`. */
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
        // What failed waits for somebody to mend it.
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

/** The functions of an aggregate, kept going through a reference to its `advance`. */
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

/** The reference to the `advance` of a module: of `internal.aggregates`, or of its path, "aggregates". */
export function advanceReference(module: OperationsModule): AdvanceReference {
  const path = typeof module === "string" ? `${module}:advance` : getFunctionName(memberOf(module));
  return makeFunctionReference<"mutation", NoArgs>(path) as unknown as AdvanceReference;
}

/** A reference is a proxy, whose members exist when they are asked for. */
function memberOf(module: object): AdvanceReference {
  return Reflect.get(module, "advance") as AdvanceReference;
}
