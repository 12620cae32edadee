/**
 * Runs one job. A mutation changes the state of its job in its own transaction, so it happens exactly once
 * however often the process dies. An action is marked as begun before it is called, with the process that does so, and is never
 * called a second time. Nothing begins in a process that has lost the lease of the job's shard.
 */
import type { Database, MutationTransaction } from "../database/index.js";
import { isTrueupError, TrueupError } from "../errors/index.js";
import { describeThrown, type FunctionCall, type JobRun, type Runtime } from "../functions/index.js";
import { JobShards } from "./job-shards.js";
import type { Job, JobTable } from "./job-table.js";

/** A job or a cron job that failed; with empty paths, the scheduler itself failed. */
export interface SchedulerFailure {
  readonly componentPath: string;
  readonly functionPath: string;
  readonly error: unknown;
  /** Of the call that failed; "" where none was made. */
  readonly requestId: string;
}

/** `again` says that the storage asked for another try, and that the job is as it was. */
export type RunResult = "done" | "again";

export class JobRunner {
  readonly #database: Database;
  readonly #runtime: Runtime;
  readonly #jobs: JobTable;
  readonly #shards: JobShards;
  readonly #onFailure: (job: Job, error: unknown, requestId: string) => void;

  constructor(
    database: Database,
    runtime: Runtime,
    jobs: JobTable,
    onFailure: (job: Job, error: unknown, requestId: string) => void,
  ) {
    this.#database = database;
    this.#runtime = runtime;
    this.#jobs = jobs;
    this.#shards = new JobShards(database.leases);
    this.#onFailure = onFailure;
  }

  /**
   * Whether a job calls a mutation or an action.
   * @throws FUNCTION_NOT_FOUND, COMPONENT_MISSING, FUNCTION_WRONG_KIND, PROGRAM_NOT_LOADED
   */
  async kindOf(job: Job): Promise<"mutation" | "action"> {
    const finding = this.#runtime.newest();
    const { program } = finding instanceof Promise ? await finding : finding;
    const fn = program.component(job.functionComponentPath).functionAt(job.functionPath);
    if (fn.kind === "query") {
      throw new TrueupError("FUNCTION_WRONG_KIND", `'${fn.path}' is a query: it cannot be scheduled.`, {
        path: fn.path,
      });
    }
    return fn.kind;
  }

  /** @param onHandedOver Called when transactions see what the job did. */
  async runMutation(job: Job, onHandedOver: () => void = () => {}): Promise<RunResult> {
    const outcome = await this.#runtime.run(callOf(job), {
      ...this.#identityOf(job),
      before: (tx) => this.#begin(tx, job),
      after: async (tx) => {
        await this.#end(tx, job, { status: "success" });
        tx.afterHandOver(onHandedOver);
      },
    });
    if (outcome.status === "success") {
      return "done";
    }
    if (isTrueupError(outcome.error) && outcome.error.retryable) {
      return "again";
    }
    await this.#fail(job, outcome.error, outcome.requestId);
    return "done";
  }

  async runAction(job: Job): Promise<void> {
    const { value: begun } = await this.#database.mutate(
      async (tx) => this.#begin(tx, job, await this.#database.leases.processIn(tx)),
      { limits: null },
    );
    if (!begun) {
      return;
    }
    const outcome = await this.#runtime.run(callOf(job), {
      ...this.#identityOf(job),
      before: () => Promise.resolve(true),
      after: () => Promise.resolve(),
    });
    if (outcome.status === "error") {
      await this.#fail(job, outcome.error, outcome.requestId);
      return;
    }
    await this.#database.mutate((tx) => this.#end(tx, job, outcome), { limits: null });
  }

  /**
   * Ends a job that could not be run, with the error that prevented it. A process that does not run the newest program yet leaves
   * that to those which do.
   */
  async fail(job: Job, error: unknown): Promise<void> {
    const { leases } = this.#database;
    const { value: isEnded } = await this.#database.mutate(
      async (tx) => {
        if (!(await this.#shards.isHeldIn(tx, job.id))) return false;
        if (leases.isShared && tx.program !== this.#runtime.programs.current?.name) return false;
        await this.#end(tx, job, { status: "error", error });
        return true;
      },
      { limits: null },
    );
    if (isEnded) this.#onFailure(job, error, "");
  }

  /** Ends an action whose process is no more. It may have done some of its work, so it is not called again. */
  async failIfInterrupted(job: Job): Promise<void> {
    const error = new TrueupError("JOB_INTERRUPTED", undefined, { id: job.id });
    const { value: isEnded } = await this.#database.mutate(
      async (tx) => {
        const current = await this.#jobs.read(tx, job.componentPath, job.id);
        if (current?.state.kind !== "inProgress" || !(await this.#shards.isHeldIn(tx, job.id))) return false;
        if (await this.#database.leases.isAlive(tx, current.process)) return false;
        await this.#end(tx, job, { status: "error", error });
        return true;
      },
      { limits: null },
    );
    if (isEnded) this.#onFailure(job, error, "");
  }

  async #fail(job: Job, error: unknown, requestId: string): Promise<void> {
    await this.#database.mutate((tx) => this.#end(tx, job, { status: "error", error }), { limits: null });
    this.#onFailure(job, error, requestId);
  }

  async #begin(tx: MutationTransaction, job: Job, process = ""): Promise<boolean> {
    if (!(await this.#shards.isHeldIn(tx, job.id))) return false;
    const current = await this.#jobs.read(tx, job.componentPath, job.id);
    if (current?.state.kind !== "pending") {
      return false;
    }
    await this.#jobs.setState(tx, current, { kind: "inProgress" }, process);
    return true;
  }

  async #end(
    tx: MutationTransaction,
    job: Job,
    outcome: { readonly status: "success" } | { readonly status: "error"; readonly error: unknown },
  ): Promise<void> {
    const current = await this.#jobs.read(tx, job.componentPath, job.id);
    // A job that was canceled while it ran stays canceled.
    if (current === null || (current.state.kind !== "inProgress" && current.state.kind !== "pending")) {
      return;
    }
    await this.#jobs.setState(
      tx,
      current,
      outcome.status === "success"
        ? { kind: "success" }
        : { kind: "failed", error: describeThrown(outcome.error) },
    );
  }

  #identityOf(job: Job): Pick<JobRun, "componentPath" | "id" | "origin"> {
    return { componentPath: job.componentPath, id: job.id, origin: job.origin };
  }
}

function callOf(job: Job): FunctionCall {
  return {
    path: job.functionPath,
    componentPath: job.functionComponentPath,
    args: job.args,
    identity: null,
    allowInternal: true,
  };
}
