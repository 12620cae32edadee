/** The documents of the component's tables. `schema.ts` validates the same shapes. */
import type { GenericId } from "convex/values";

/** A migration's job. The first fields are those of the published component, whose documents stay valid. */
export type MigrationRow = {
  _id: GenericId<"migrations">;
  _creationTime: number;
  name: string;
  cursor: string | null;
  isDone: boolean;
  /** The scheduled function that runs the next batch. */
  workerId?: GenericId<"_scheduled_functions">;
  error?: string;
  processed: number;
  latestStart: number;
  latestEnd?: number;

  /** The migration function. */
  fnHandle?: string;
  /** What the cursor belongs to, as the migration function describes it. */
  range?: string;
  total?: number | null;
  skipped?: number;
  errorDocumentId?: string;
  /** The batch size that the starter prescribed. */
  batchSize?: number;
  next?: Successor[];
  /** True when those begin again though they are done. */
  resetsNext?: boolean;
  /** Set when somebody stopped it. */
  halted?: "canceled";
  /** Counts scheduled workers; a worker of an earlier turn does nothing. */
  turn?: number;
  pace?: Pace;
  run?: CurrentRun;
  supervisorId?: GenericId<"_scheduled_functions">;
  /** Workers in a row that ended without a trace of their batch. */
  deaths?: number;
};

/** A migration that runs after another. */
export type Successor = { name: string; fnHandle: string };

/** How large the next batch should be. */
export type Pace = {
  /** Documents; absent leaves it to the migration function. */
  batchSize?: number;
  /** True when one document has failed for want of room: it then gets a whole transaction. */
  alone?: boolean;
};

/** The run in progress, or the latest. */
export type CurrentRun = {
  id: GenericId<"runs">;
  startedBy?: string;
  /** What the migration's counters were when it began. */
  processedBefore: number;
  skippedBefore: number;
  batches: number;
  /** When the first and the latest batch ended, and how much was processed by the first. */
  firstAt?: number;
  firstProcessed?: number;
  latestAt?: number;
  isOver: boolean;
};

export type RunOutcome = "done" | "failed" | "canceled" | "died";

/** One run of a migration, from a start or resumption to its end. */
export type RunRow = {
  _id: GenericId<"runs">;
  _creationTime: number;
  migration: string;
  startedAt: number;
  startedBy?: string;
  endedAt?: number;
  /** Absent while it runs. */
  outcome?: RunOutcome;
  processed: number;
  skipped: number;
  batches: number;
  error?: string;
  errorDocumentId?: string;
};
