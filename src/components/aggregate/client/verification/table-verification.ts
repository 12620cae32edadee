/**
 * Checks of an aggregate that nobody manages, of the table that it is meant to follow. The same runs as those of managed
 * ones; whoever begins one sees to it that it goes on: in mutations of its own, or with the functions of an app that
 * schedule themselves.
 */
import {
  internalMutationGeneric,
  internalQueryGeneric,
  type FunctionReference,
  type GenericDataModel,
  type GenericMutationCtx,
  type RegisteredMutation,
  type RegisteredQuery,
} from "convex/server";
import { v } from "convex/values";
import type { TableSource } from "../managed/table-source.js";
import type { AdvanceCtx, FollowCtx, StartVerifyOptions, StatusCtx, VerifyReport } from "../managed/types.js";
import { advanceRun } from "./advance-run.js";
import { readReport, startVerify } from "./runs.js";

type NoArgs = Record<string, never>;

/** What a step of a check leaves: whether to call again, after `waitMs` if that is given. */
export interface VerificationStep {
  due: boolean;
  waitMs?: number;
}

export class TableVerification {
  private readonly source: TableSource;

  constructor(source: TableSource) {
    this.source = source;
  }

  /** Begins a check, and with `repair` the mending of what it finds. Returns the run's id. O(1). */
  async start(ctx: FollowCtx, options?: StartVerifyOptions): Promise<string> {
    return startVerify(ctx, { component: this.source.component }, options);
  }

  /** One transaction's worth of the check that is under way; call it, in mutations, until nothing is due. */
  async advance(ctx: AdvanceCtx): Promise<VerificationStep> {
    const runId = await ctx.runQuery(this.source.component.verification.due, {});
    return runId === null ? { due: false } : advanceRun(ctx, this.source, { runId });
  }

  /** What a check, by default the latest, has found: a page of its differences at a time. Null when there is none. */
  async report(ctx: StatusCtx, runId?: string, cursor?: string): Promise<VerifyReport | null> {
    return readReport(ctx, { component: this.source.component }, runId, cursor);
  }
}

/** Internal functions; export them from the module that `operations` was given. */
export interface VerificationOperations {
  /** Goes on with a check, until it is over. */
  advance: RegisteredMutation<"internal", NoArgs, Promise<VerificationStep>>;
  /** Begins a check. Returns its id, for `report`. */
  verify: RegisteredMutation<"internal", NoArgs, Promise<string>>;
  /** Begins a check that mends what it finds. */
  repair: RegisteredMutation<"internal", NoArgs, Promise<string>>;
  /** A page of what a check found, by default the latest. */
  report: RegisteredQuery<
    "internal",
    { runId?: string | undefined; cursor?: string | undefined },
    Promise<VerifyReport | null>
  >;
}

/** The functions of a verification, kept going through a reference to its `advance`. */
export function verificationOperations(
  verification: TableVerification,
  advance: FunctionReference<"mutation", "internal", NoArgs>,
): VerificationOperations {
  const start = async (ctx: GenericMutationCtx<GenericDataModel>, repair: boolean): Promise<string> => {
    const runId = await verification.start(ctx, { repair, startedBy: "operations" });
    await ctx.scheduler.runAfter(0, advance, {});
    return runId;
  };
  return {
    advance: internalMutationGeneric({
      args: {},
      handler: async (ctx): Promise<VerificationStep> => {
        const after = await verification.advance(ctx);
        if (after.due) await ctx.scheduler.runAfter(after.waitMs ?? 0, advance, {});
        return after;
      },
    }),
    verify: internalMutationGeneric({ args: {}, handler: (ctx): Promise<string> => start(ctx, false) }),
    repair: internalMutationGeneric({ args: {}, handler: (ctx): Promise<string> => start(ctx, true) }),
    report: internalQueryGeneric({
      args: { runId: v.optional(v.string()), cursor: v.optional(v.string()) },
      handler: (ctx, { runId, cursor }): Promise<VerifyReport | null> =>
        verification.report(ctx, runId, cursor),
    }),
  };
}
