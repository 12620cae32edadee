/**
 * The queue of jobs as documents of `_scheduled_functions`. It schedules and cancels jobs in the caller's transaction, finds what
 * is due, and changes states. Listeners are told of a change once its transaction has committed.
 */
import { getConvexSize, type Value } from "convex/values";
import type { Database, Document, MutationTransaction, Query, QueryTransaction } from "../database/index.js";
import { shown, TrueupError } from "../errors/index.js";
import type { JobQueue, NewJob } from "../functions/index.js";
import type { IndexJson } from "../schema/index.js";

/** The system table that `ctx.db.system` shows. */
export const jobsTable = "_scheduled_functions";
const jobsByStateAndTime = `${jobsTable}.by_state_and_time`;
export const jobsByCompletedTime: string = `${jobsTable}.by_completed_time`;
const jobIndexes: readonly IndexJson[] = [
  { indexDescriptor: "by_state_and_time", fields: ["state.kind", "scheduledTime"] },
  { indexDescriptor: "by_completed_time", fields: ["completedTime"] },
];

/** The state of a job. A mutation goes from pending to its end; an action is in progress between the two. */
export type JobState =
  | { readonly kind: "pending" }
  | { readonly kind: "inProgress" }
  | { readonly kind: "success" }
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "canceled" };

export interface Job {
  readonly id: string;
  /** The component that scheduled it, whose table it is in. */
  readonly componentPath: string;
  /** The function, `dir/mod:fn`, and the component that has it. */
  readonly functionPath: string;
  readonly functionComponentPath: string;
  readonly args: Value;
  readonly scheduledTime: number;
  readonly state: JobState;
  /** The process that runs it, of an action in progress; "" where no other process shares the storage. */
  readonly process: string;
  /** The id of the call that set the job off, directly or through other jobs. */
  readonly origin: string | null;
}

/** Reads a document of a component's `_scheduled_functions`. */
export function jobOfDocument(componentPath: string, document: Document): Job {
  const { name, functionComponentPath, origin, args, process } = document;
  return {
    id: document._id,
    componentPath,
    functionPath: typeof name === "string" ? name : "",
    functionComponentPath: typeof functionComponentPath === "string" ? functionComponentPath : componentPath,
    args: (Array.isArray(args) ? args[0] : undefined) ?? {},
    scheduledTime: Number(document["scheduledTime"]),
    state: document["state"] as unknown as JobState,
    process: typeof process === "string" ? process : "",
    origin: typeof origin === "string" ? origin : null,
  };
}

/** The change of a job from one state to another, after its commit. */
export interface JobChange {
  readonly id: string;
  readonly componentPath: string;
  readonly scheduledTime: number;
  readonly origin: string | null;
  readonly from: JobState["kind"] | null;
  readonly to: JobState;
}

const skipsNone = (): boolean => false;

export class JobTable implements JobQueue {
  readonly #database: Database;
  readonly #listeners = new Set<(change: JobChange) => void>();
  readonly #newJobListeners = new Set<(job: Job) => void>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Calls the listener after each commit that changed a job. */
  onChange(listener: (change: JobChange) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Calls the listener with each new job as soon as transactions see it, which may be before the commit that made it is durable.
   */
  onHandedOver(listener: (job: Job) => void): void {
    this.#newJobListeners.add(listener);
  }

  /** Makes sure that a component has a table of jobs, with its indexes. */
  async ensure(tx: MutationTransaction, componentPath: string): Promise<void> {
    await tx.ensureTable(componentPath, jobsTable, jobIndexes);
  }

  async schedule(tx: MutationTransaction, job: NewJob): Promise<string> {
    const { componentPath, functionComponentPath, scheduledTime, origin } = job;
    tx.countScheduled(getConvexSize(job.args));
    const canceled = job.parent !== null && (await this.#isCanceled(tx, job.parent));
    const now = Date.now();
    const state: JobState = canceled ? { kind: "canceled" } : { kind: "pending" };
    const id = await tx.system(componentPath).insert(jobsTable, {
      name: job.functionPath,
      args: [job.args],
      scheduledTime,
      state,
      ...(canceled ? { completedTime: now } : {}),
      ...(functionComponentPath === componentPath ? {} : { functionComponentPath }),
      ...(origin === null ? {} : { origin }),
    });
    this.#announce(tx, { id, componentPath, scheduledTime, origin, from: null, to: state });
    const { functionPath, args } = job;
    const made: Job = {
      ...{ id, componentPath, functionPath, functionComponentPath },
      ...{ args, scheduledTime, state, process: "", origin },
    };
    if (!canceled) tx.afterHandOver(() => this.#newJobListeners.forEach((listener) => listener(made)));
    return id;
  }

  async cancel(tx: MutationTransaction, componentPath: string, id: string): Promise<void> {
    const job = await this.read(tx, componentPath, id);
    if (job === null) {
      throw new TrueupError("JOB_NOT_FOUND", `There is no scheduled function with id '${shown(id)}'.`, {
        id: shown(id),
      });
    }
    if (job.state.kind === "pending" || job.state.kind === "inProgress") {
      await this.setState(tx, job, { kind: "canceled" });
    }
  }

  /** The job as the transaction sees it; null when there is none. */
  async read(tx: QueryTransaction, componentPath: string, id: string): Promise<Job | null> {
    const jobs = tx.system(componentPath);
    if (typeof id !== "string" || jobs.tableOfId(id) !== jobsTable) {
      return null;
    }
    const document = await jobs.get(id, jobsTable);
    return document === null ? null : jobOfDocument(componentPath, document);
  }

  /**
   * Moves a job, as it was read in this transaction, to another state.
   * @param process The process that runs it, where others share the storage.
   */
  async setState(tx: MutationTransaction, job: Job, state: JobState, process = ""): Promise<void> {
    const ended = state.kind !== "pending" && state.kind !== "inProgress";
    const completedTime = ended ? Date.now() : undefined;
    const runBy = process === "" ? undefined : process;
    await tx.system(job.componentPath).patch(job.id, { state, completedTime, process: runBy }, jobsTable);
    const { id, componentPath, scheduledTime, origin } = job;
    this.#announce(tx, { id, componentPath, scheduledTime, origin, from: job.state.kind, to: state });
  }

  /** Pending jobs of a component in the order of their times, but for those with ids to skip; at most `limit`. */
  async pending(componentPath: string, limit: number, skips: (id: string) => boolean): Promise<Job[]> {
    return await this.#list(componentPath, "pending", limit, skips);
  }

  /** The jobs that were begun and have not ended. O(their number). */
  async inProgress(componentPath: string): Promise<Job[]> {
    return await this.#list(componentPath, "inProgress", Infinity, skipsNone);
  }

  /** Pending jobs of a component whose time has come, earliest first; at most `limit`. */
  async due(componentPath: string, nowMs: number, limit: number): Promise<Job[]> {
    return await this.#list(componentPath, "pending", limit, skipsNone, nowMs);
  }

  async #list(
    componentPath: string,
    kind: JobState["kind"],
    limit: number,
    skips: (id: string) => boolean,
    untilMs: number = Infinity,
  ): Promise<Job[]> {
    const query: Query = {
      source: {
        type: "IndexRange",
        indexName: jobsByStateAndTime,
        range: [
          { type: "Eq", fieldPath: "state.kind", value: kind },
          { type: "Lte", fieldPath: "scheduledTime", value: untilMs },
        ],
        order: "asc",
      },
      operators: [],
    };
    const { value } = await this.#database.query(
      async (tx) => {
        const found: Document[] = [];
        const stream = tx.system(componentPath).stream(query);
        while (found.length < limit) {
          const document = await stream.next();
          if (document === null) {
            break;
          }
          if (!skips(document._id)) {
            found.push(document);
          }
        }
        stream.close();
        return found;
      },
      { limits: null },
    );
    return value.map((document) => jobOfDocument(componentPath, document));
  }

  async #isCanceled(
    tx: MutationTransaction,
    parent: { componentPath: string; id: string },
  ): Promise<boolean> {
    const job = await this.read(tx, parent.componentPath, parent.id);
    return job?.state.kind === "canceled";
  }

  #announce(tx: MutationTransaction, change: JobChange): void {
    tx.afterCommit(() => {
      for (const listener of this.#listeners) {
        listener(change);
      }
    });
  }
}
