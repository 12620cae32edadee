/**
 * Counts what became of the jobs that one call set off. The counts follow the changes of states in memory. For a
 * call from before the last restart they are taken from the stored jobs; for all calls where other processes run jobs, too.
 */
import type { Database } from "../database/index.js";
import { type JobChange, jobOfDocument, jobsTable, type JobState } from "./job-table.js";

/** How many of the jobs that one call set off are in which state. */
export interface Work {
  readonly pending: number;
  readonly inProgress: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly canceled: number;
  /** The error of the job that failed last. */
  readonly lastError?: string;
}

type Counts = { -readonly [K in keyof Work]: Work[K] };

const counted = {
  pending: "pending",
  inProgress: "inProgress",
  success: "succeeded",
  failed: "failed",
  canceled: "canceled",
} as const satisfies Record<JobState["kind"], keyof Work>;

const maxOrigins = 1000;

export class WorkByOrigin {
  readonly #database: Database;
  readonly #counts = new Map<string, Counts>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Counts a job's change of state, if the job was set off by a call. */
  count(change: JobChange): void {
    const { origin, from, to } = change;
    if (origin === null || this.#database.leases.isShared) {
      return;
    }
    let counts = this.#counts.get(origin);
    if (counts === undefined) {
      if (from !== null) {
        return;
      }
      counts = nothing();
      this.#counts.set(origin, counts);
      this.#forgetOldest();
    }
    if (from !== null) {
      counts[counted[from]] -= 1;
    }
    add(counts, to);
  }

  /** The counts of a call; O(jobs) when it was made before the last restart. */
  async of(origin: string, components: readonly string[]): Promise<Work> {
    return { ...(this.#counts.get(origin) ?? (await this.#fromDocuments(origin, components))) };
  }

  async #fromDocuments(origin: string, components: readonly string[]): Promise<Counts> {
    const { value } = await this.#database.query(
      async (tx) => {
        const counts = nothing();
        for (const path of components) {
          const stream = tx.system(path).stream({
            source: { type: "FullTableScan", tableName: jobsTable, order: "asc" },
            operators: [{ filter: { $eq: [{ $field: "origin" }, { $literal: origin }] } }],
          });
          for (let next = await stream.next(); next !== null; next = await stream.next()) {
            add(counts, jobOfDocument(path, next).state);
          }
        }
        return counts;
      },
      { limits: null },
    );
    return value;
  }

  #forgetOldest(): void {
    for (const origin of this.#counts.keys()) {
      if (this.#counts.size <= maxOrigins) {
        return;
      }
      this.#counts.delete(origin);
    }
  }
}

function nothing(): Counts {
  return { pending: 0, inProgress: 0, succeeded: 0, failed: 0, canceled: 0 };
}

function add(counts: Counts, state: JobState): void {
  counts[counted[state.kind]] += 1;
  if (state.kind === "failed") {
    counts.lastError = state.error;
  }
}
