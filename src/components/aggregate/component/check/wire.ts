/** What the functions of checks take and give; `check/validators.ts` states the same to Convex. Aliases: see `interface/documents.ts`. */
import type { Value } from "convex/values";
import type { DifferenceKind } from "../../../../seams/index.js";
import type { CheckPhase, DifferenceCounts, ItemColumns } from "./types.js";
import type { FillCursor, GenerationFailure } from "../generation/types.js";

export type StartArgs = {
  /** The definition of a managed aggregate; without it, the check is of the trees that nobody manages. */
  definition?: string | undefined;
  repair: boolean;
  startedBy: string;
};

export type RunArgs = {
  runId: string;
};

/**
 * What a run needs next. `again`: a step was made, call again. `wait`: queued writes have to be applied first. `documents`: hand
 * over up to `limit` documents from the cursor on. `items`: hand over the documents of these ids, in the same transaction.
 */
export type Task =
  | { kind: "over" }
  | { kind: "again" }
  | { kind: "wait"; waitMs: number }
  | { kind: "documents"; cursor?: FillCursor | undefined; limit: number }
  | { kind: "items"; ids: string[] };

export type DocumentsArgs = RunArgs & {
  columns: ItemColumns;
  /** Behind the last of them; absent when there were none. */
  cursor?: FillCursor | undefined;
  /** True when there are no more behind. */
  isDone: boolean;
};

export type ItemsArgs = RunArgs & {
  /** Of the documents that there are of the ids. */
  columns: ItemColumns;
};

export type FailArgs = RunArgs & {
  failure: GenerationFailure;
};

export type ReportArgs = {
  /** By default the latest run. */
  runId?: string | undefined;
  definition?: string | undefined;
  cursor?: string | undefined;
  limit?: number | undefined;
};

/** A run, and a page of what it has found. */
export type Report = {
  runId: string;
  status: "running" | "done" | "failed";
  /** What it is at; null when it is over. */
  phase: CheckPhase | null;
  repair: boolean;
  startedBy: string;
  startedAtMs: number;
  durationMs: number;
  checked: { nodes: number; items: number; documents: number };
  counts: DifferenceCounts;
  fixed: number;
  failure: GenerationFailure | null;
  differences: { id: string; kind: DifferenceKind; expected: Value; actual: Value; fixed: boolean }[];
  /** For the next page of differences; null when there are no more. */
  continueCursor: string | null;
};
