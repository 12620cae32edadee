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
  type RegisteredMutation,
  type RegisteredQuery,
} from "convex/server";
import { v } from "convex/values";
import type { Managed } from "./managed.js";
import type { Advance, AggregateStatus, VerifyReport } from "./types.js";

type NoArgs = Record<string, never>;
type ReportArgs = { runId?: string | undefined; cursor?: string | undefined };

/**
 * A module: its path, "aggregates"; or `internal.aggregates`, where TypeScript does not find that the type of `internal` then
 * depends on itself.
 */
export type OperationsModule = object | string;

export type AdvanceReference = FunctionReference<"mutation", "internal", NoArgs>;

/** Internal functions; export them from the module that `operations` was given. */
export interface ManagedOperations {
  /** Goes on with builds and checks, until nothing is due. */
  advance: RegisteredMutation<"internal", NoArgs, Promise<Advance>>;
  /** Begins a check. Returns its id, for `report`. */
  verify: RegisteredMutation<"internal", NoArgs, Promise<string>>;
  /** Begins a check that mends what it finds. */
  repair: RegisteredMutation<"internal", NoArgs, Promise<string>>;
  status: RegisteredQuery<"internal", NoArgs, Promise<AggregateStatus>>;
  /** A page of what a check found, by default the latest. */
  report: RegisteredQuery<"internal", ReportArgs, Promise<VerifyReport | null>>;
}

/** The functions of an aggregate, kept going through a reference to its `advance`. */
export function cloudOperations(managed: Managed, advance: AdvanceReference): ManagedOperations {
  const start = async (ctx: GenericMutationCtx<GenericDataModel>, repair: boolean): Promise<string> => {
    const runId = await managed.startVerify(ctx, { repair, startedBy: "operations" });
    await ctx.scheduler.runAfter(0, advance, {});
    return runId;
  };
  return {
    advance: internalMutationGeneric({
      args: {},
      handler: async (ctx): Promise<Advance> => {
        const after = await managed.proceed(ctx, true);
        // What failed waits for somebody to mend it.
        if (after.due && !after.hasFailed) await ctx.scheduler.runAfter(after.waitMs ?? 0, advance, {});
        return after;
      },
    }),
    verify: internalMutationGeneric({ args: {}, handler: (ctx): Promise<string> => start(ctx, false) }),
    repair: internalMutationGeneric({ args: {}, handler: (ctx): Promise<string> => start(ctx, true) }),
    status: internalQueryGeneric({
      args: {},
      handler: (ctx): Promise<AggregateStatus> => managed.status(ctx),
    }),
    report: internalQueryGeneric({
      args: { runId: v.optional(v.string()), cursor: v.optional(v.string()) },
      handler: (ctx, { runId, cursor }): Promise<VerifyReport | null> => managed.report(ctx, runId, cursor),
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
