/**
 * Checks of an aggregate by itself, most of all of one that nobody manages, of the table that it is meant to follow. The same
 * runs as those that the engine drives; whoever begins one sees to it that it goes on: in mutations of its own, or with the functions of an app that
 * schedule themselves.
 */
import {
  internalMutationGeneric,
  internalQueryGeneric,
  type GenericDataModel,
  type GenericMutationCtx,
  type RegisteredMutation,
  type RegisteredQuery,
} from "convex/server";
import { v } from "convex/values";
import type { TableSource } from "../managed/table-source.js";
import type { AdvanceCtx, FollowCtx, StartVerifyOptions, StatusCtx, VerifyReport } from "../managed/types.js";
import { advanceReference, type OperationsModule } from "../managed/cloud-operations.js";
import { advanceRun } from "./advance-run.js";
import { readReport, startVerify, type ReportedSource } from "./runs.js";

type NoArgs = Record<string, never>;

/** What a step of a check leaves: whether to call again, after `waitMs` if that is given. */
export interface VerificationStep {
  due: boolean;
  waitMs?: number;
}

export class TableVerification {
  private readonly source: TableSource;
  /** Whose trees are checked: with a definition, those of a managed aggregate. */
  private readonly reported: ReportedSource;

  constructor(source: TableSource, definition: string | undefined) {
    const { component } = source;
    this.source = source;
    this.reported = { component, ...(definition === undefined ? {} : { definition }) };
  }

  /** Begins a check, and with `repair` the mending of what it finds. Returns the run's id. O(1). */
  async start(ctx: FollowCtx, options?: StartVerifyOptions): Promise<string> {
    return startVerify(ctx, this.reported, options);
  }

  /** One transaction's worth of the check that is under way; call it, in mutations, until nothing is due. */
  async advance(ctx: AdvanceCtx): Promise<VerificationStep> {
    const { component, ...definition } = this.reported;
    const runId = await ctx.runQuery(component.verification.due, definition);
    return runId === null ? { due: false } : advanceRun(ctx, this.source, { runId });
  }

  /** What a check, by default the latest, has found: a page of its differences at a time. Null when there is none. */
  async report(ctx: StatusCtx, runId?: string, cursor?: string): Promise<VerifyReport | null> {
    return readReport(ctx, this.reported, runId, cursor);
  }

  /**
   * The functions that carry out checks and schedule themselves. Export them from a module, and say which one:
   * `internal.upkeep`, or its path.
   */
  operations(module: OperationsModule): VerificationOperations {
    const advance = advanceReference(module);
    const start = async (ctx: GenericMutationCtx<GenericDataModel>, repair: boolean): Promise<string> => {
      const runId = await this.start(ctx, { repair, startedBy: "operations" });
      await ctx.scheduler.runAfter(0, advance, {});
      return runId;
    };
    return {
      advance: internalMutationGeneric({
        args: {},
        handler: async (ctx): Promise<VerificationStep> => {
          const after = await this.advance(ctx);
          if (after.due) await ctx.scheduler.runAfter(after.waitMs ?? 0, advance, {});
          return after;
        },
      }),
      verify: internalMutationGeneric({ args: {}, handler: (ctx): Promise<string> => start(ctx, false) }),
      repair: internalMutationGeneric({ args: {}, handler: (ctx): Promise<string> => start(ctx, true) }),
      report: internalQueryGeneric({
        args: { runId: v.optional(v.string()), cursor: v.optional(v.string()) },
        handler: (ctx, { runId, cursor }): Promise<VerifyReport | null> => this.report(ctx, runId, cursor),
      }),
    };
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
