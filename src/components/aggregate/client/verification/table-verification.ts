/**
 * Checks of an aggregate by itself, most of all of one that nobody manages, of the table that it is meant to follow. The same
 * runs as those that the engine drives; whoever begins one sees to it that it goes on: in mutations of its own, or with the
 * functions of an app that schedule themselves.
 */
import type { TableSource } from "../managed/table-source.js";
import type { StartVerifyOptions, VerifyReport } from "../../../../seams/index.js";
import type { AdvanceCtx, FollowCtx, StatusCtx } from "../managed/types.js";
import {
  advanceReference,
  scheduledOperations,
  type OperationsModule,
  type ScheduledOperations,
} from "../managed/cloud-operations.js";
import { advanceRun, readReport, startVerify, type ReportedSource } from "./runs.js";

/** What a step of a check leaves: whether to call again, after `waitMs` if that is given. */
export interface VerificationStep {
  due: boolean;
  waitMs?: number;
}

/** Runs of verify and repair that an app starts and carries out itself. */
export class TableVerification {
  readonly #source: TableSource;
  /** Whose trees are checked: with a definition, those of a managed aggregate. */
  readonly #reported: ReportedSource;

  constructor(source: TableSource, definition: string | undefined) {
    const { component } = source;
    this.#source = source;
    this.#reported = { component, ...(definition === undefined ? {} : { definition }) };
  }

  /** Begins a check, and with `repair` the mending of what it finds. Returns the run's id. O(1). */
  async start(ctx: FollowCtx, options?: StartVerifyOptions): Promise<string> {
    return startVerify(ctx, this.#reported, options);
  }

  /** One transaction's worth of the check that is under way; call it, in mutations, until nothing is due. */
  async advance(ctx: AdvanceCtx): Promise<VerificationStep> {
    const { component, ...definition } = this.#reported;
    const runId = await ctx.runQuery(component.verification.due, definition);
    return runId === null ? { due: false } : advanceRun(ctx, this.#source, { runId });
  }

  /** What a check, by default the latest, has found: a page of its differences at a time. Null when there is none. */
  async report(ctx: StatusCtx, runId?: string, cursor?: string): Promise<VerifyReport | null> {
    return readReport(ctx, this.#reported, runId, cursor);
  }

  /**
   * The functions that carry out checks and schedule themselves. Export them from a module, and say which one:
   * `internal.upkeep`, or its path.
   */
  operations(module: OperationsModule): VerificationOperations {
    return scheduledOperations<VerificationStep>(this, advanceReference(module));
  }
}

/** Internal functions; export them from the module that `operations` was given. */
export type VerificationOperations = ScheduledOperations<VerificationStep>;
