/** The documents of the component's tables. `schema.ts` validates the same shapes. */
import type { GenericId } from "convex/values";
import type { OnError, Policy } from "../protocol.js";
import type { Rehearsal, RunSummary, Verification } from "../status.js";

type JobId = GenericId<"_scheduled_functions">;

/** A chain of batches over a range: what migrations and checks have in common. */
export type JobFields = {
  cursor: string | null;
  isDone: boolean;
  /** The scheduled function that runs the next batch. */
  workerId?: JobId;
  error?: string;
  errorDocumentId?: string;
  processed: number;
  skipped?: number;
  failed?: number;
  /** Documents that failed since the last that did not. */
  failedInARow?: number;
  /** The migration function. */
  fnHandle?: string;
  /** What the cursor belongs to, as the migration function describes it. */
  range?: string;
  total?: number | null;
  /** The batch size that the starter prescribed. */
  batchSize?: number;
  batches?: number;
  /** Set when somebody stopped it, or had it undone. */
  halted?: "canceled" | "paused" | "reverted";
  /** Counts scheduled workers; a worker of an earlier turn does nothing. */
  turn?: number;
  pace?: Pace;
  supervisorId?: JobId;
  /** Workers in a row that ended without a trace of their batch. */
  deaths?: number;
};

/** A migration's job. What the published component stored is one as well. */
export type MigrationRow = JobFields & {
  _id: GenericId<"migrations">;
  _creationTime: number;
  name: string;
  latestStart: number;
  latestEnd?: number;
  next?: Successor[];
  /** True when those begin again though they are done. */
  resetsNext?: boolean;
  run?: CurrentRun;
  /** Set by the starter or while it runs, in place of the definition's. */
  onError?: OnError;
  maxDocumentsPerSecond?: number;
  /** The definition's, as the latest batch reported it. */
  policy?: Policy;
  /** Counts how often it began anew; absent is 0. */
  epoch?: number;
  /** Set while the migration of that epoch is being undone; `until` is how far it had come. */
  reverting?: { epoch: number; until?: string };
  /** True while it goes through several ranges at once: they have the cursors, the workers and what they counted. */
  isSplit?: boolean;
};

/** One of the disjoint ranges that a migration goes through at once; gone when all of them are done. */
export type RangeRow = JobFields & {
  _id: GenericId<"ranges">;
  _creationTime: number;
  migration: string;
  /** The place behind which it begins; null is the beginning of everything. */
  from: string | null;
  /** Its last place; absent for the one that is open at its end. */
  until?: string;
};

/** A migration that runs after another. */
export type Successor = { name: string; fnHandle: string };

/** How large the next batch should be. */
export type Pace = {
  /** Documents; absent leaves it to the migration function. */
  batchSize?: number;
  /** True when one document has failed for want of room: it then gets a whole transaction. */
  alone?: boolean;
  /** When the latest batch ended. */
  latestAt?: number;
  /** True when a batch of the run has ended before its size: sizes then grow slowly. */
  isSteady?: boolean;
};

/** The run in progress, or the latest. */
export type CurrentRun = {
  id: GenericId<"runs">;
  startedBy?: string;
  /** What the migration's counters were when it began. */
  before: { processed: number; skipped: number; failed: number; batches: number };
  /** When the first and the latest batch ended, and how much was processed by the first. */
  firstAt?: number;
  firstProcessed?: number;
  latestAt?: number;
  isOver: boolean;
};

/** One run of a migration, from a start or resumption to its end. */
export type RunRow = RunSummary & {
  _id: GenericId<"runs">;
  _creationTime: number;
};

/** A document that could not be migrated in that epoch of its migration. */
export type QuarantineRow = {
  _id: GenericId<"quarantine">;
  _creationTime: number;
  migration: string;
  epoch: number;
  documentId: string;
  error: string;
  failedAt: number;
  attempts: number;
};

/** A rehearsal or verification of a whole migration. */
export type CheckRow = JobFields & {
  _id: GenericId<"checks">;
  _creationTime: number;
  migration: string;
  startedAt: number;
  startedBy?: string;
  endedAt?: number;
  failures: { documentId: string; error: string }[];
} & Findings;

export type Findings = { kind: "rehearse"; findings: Rehearsal } | { kind: "verify"; findings: Verification };

export type JobRow = MigrationRow | CheckRow | RangeRow;

export function isMigration(row: JobRow): row is MigrationRow {
  return "name" in row;
}

export function isRange(row: JobRow): row is RangeRow {
  return "from" in row;
}

export function isCheck(row: JobRow): row is CheckRow {
  return "findings" in row;
}

/** The name of the migration that a job is about. */
export function nameOf(row: JobRow): string {
  return isMigration(row) ? row.name : row.migration;
}
