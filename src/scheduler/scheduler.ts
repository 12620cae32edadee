/**
 * Runs scheduled jobs and cron jobs when they are due, and removes old ones. Due jobs of all components are taken in the order
 * of their times. Mutations run one after another (where the storage runs transactions serially, several are handed to it at
 * once, so that they share a commit to disk); actions run beside them, up to a number at once.
 *
 * A job begins as soon as transactions see it, while the commit that made it is on its way to the disk. So a chain of jobs, each
 * made by the one before, computes while the disk writes, but is never more than two steps ahead of it. No job can end before the
 * one that made it is durable, because commits become durable in their order, and fail with those that they have read.
 */
import type { Database, MutationTransaction, QueryTransaction } from "../database/index.js";
import { isTrueupError, TrueupError } from "../errors/index.js";
import type { LoadedProgram, Runtime } from "../functions/index.js";
import { backoffMs, WorkLoop } from "../work/index.js";
import { CleanUp } from "./clean-up.js";
import { CronTable } from "./cron/cron-table.js";
import { DueJobs } from "./due-jobs.js";
import type { Job, JobChange, JobState, JobTable } from "./job-table.js";
import { JobRunner, type SchedulerFailure } from "./run-job.js";
import { type Work, WorkByOrigin } from "./work-by-origin.js";

export interface SchedulerOptions {
  readonly onFailure?: (failure: SchedulerFailure) => void;
}

/** How the scheduled functions of a backend stand. */
export interface JobFigures {
  /** Jobs whose time has come and that have not ended, those in hand included; counted up to 1,000 of each component. */
  readonly due: number;
  /** For how long the earliest of them has been due. */
  readonly longestDueMs: number;
  /** Actions that are under way. */
  readonly runningActions: number;
  /** Jobs that have ended in this process. */
  readonly ended: Readonly<Record<EndedState, number>>;
}

type EndedState = Exclude<JobState["kind"], "pending" | "inProgress">;

const maxCountedJobs = 1_000;
const maxActions = 64;
/** How long a job is put off that the storage could not run: from 100 ms up to 12.8 s. */
const firstRetryMs = 100;
const maxRetryMs = 12_800;
/** How long everything is put off when jobs cannot be read or their states not be written. */
const retryAfterErrorMs = 1000;

export class Scheduler {
  readonly #database: Database;
  readonly #jobs: JobTable;
  readonly #runner: JobRunner;
  readonly #crons: CronTable;
  readonly #work: WorkByOrigin;
  readonly #cleanUp: CleanUp;
  readonly #due: DueJobs;
  readonly #onFailure: (failure: SchedulerFailure) => void;
  readonly #actions = new Map<string, Promise<void>>();
  readonly #waiting = new Set<string>();
  /** Jobs that are due and that transactions see; the scheduler may not find them in a snapshot yet. */
  #handedOver: Job[] = [];
  /** Resolves when what the latest step began is durable. */
  #ending: Promise<unknown> = Promise.resolve();
  readonly #attempts = new Map<string, number>();
  readonly #ended: Record<EndedState, number> = { success: 0, failed: 0, canceled: 0 };
  readonly #loop = new WorkLoop({
    nextAtMs: () =>
      this.#handedOver.length > 0 ? 0 : Math.min(this.#due.next, this.#crons.next, this.#cleanUp.next),
    step: () => this.#runDue(),
    retryAfterMs: (error) => this.#retryAfterMs(error),
    others: {
      count: () => this.#database.begunTransactions,
      ownPerStep: 0,
      areWaiting: () => this.#database.isAwaited,
      maxRestMs: () => 0,
    },
  });
  #components: readonly string[] = [];

  constructor(database: Database, runtime: Runtime, jobs: JobTable, options: SchedulerOptions = {}) {
    this.#database = database;
    this.#jobs = jobs;
    this.#onFailure = options.onFailure ?? ((): void => {});
    this.#runner = new JobRunner(database, runtime, jobs, (job, error, requestId) => {
      const { functionComponentPath: componentPath, functionPath } = job;
      this.#onFailure({ componentPath, functionPath, error, requestId });
    });
    this.#crons = new CronTable(database, runtime, this.#onFailure);
    this.#work = new WorkByOrigin(database);
    this.#cleanUp = new CleanUp(database);
    this.#due = new DueJobs(jobs);
    jobs.onChange((change) => this.#changed(change));
    jobs.onHandedOver((job) => this.#take(job));
  }

  /**
   * Writes what a program needs of the scheduler: its tables of jobs, and its cron jobs in place of
   * those of the program before. Jobs stay as they are; a job fails if its function is gone when it is due.
   * @throws INVALID_CRON
   */
  async store(tx: MutationTransaction, program: LoadedProgram): Promise<void> {
    for (const path of program.components.keys()) await this.#jobs.ensure(tx, path);
    await this.#crons.store(tx, program);
  }

  /** Reads what `store` wrote, here or in another process; goes by it once the result is called. */
  async takeUp(tx: QueryTransaction, program: LoadedProgram): Promise<() => void> {
    const components = [...program.components.keys()];
    const activateCrons = await this.#crons.takeUp(tx, program);
    return () => {
      this.#components = components;
      activateCrons();
      for (const path of components) {
        this.#due.expect(path, 0);
      }
      this.#loop.wake();
    };
  }

  /** Begins to run what is due. Actions that an earlier process had begun are ended as failed. */
  async start(): Promise<void> {
    if (this.#loop.isOn) {
      return;
    }
    for (const path of this.#components) {
      for (const job of await this.#jobs.inProgress(path)) {
        await this.#runner.fail(job, new TrueupError("JOB_INTERRUPTED", undefined, { id: job.id }));
      }
    }
    this.#loop.start();
  }

  /** Stops starting jobs and waits for those that run. Idempotent. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    for (const { id } of this.#handedOver.splice(0)) this.#due.release(id);
    await this.#ending;
    await Promise.all([...this.#actions.values(), ...this.#crons.running]);
  }

  /** Resolves when nothing is due and nothing runs; at once when the scheduler does not run. */
  async idle(): Promise<void> {
    while (this.#loop.isOn) {
      await this.#loop.runDue();
      await this.#ending;
      const running = [...this.#actions.values(), ...this.#crons.running];
      if (running.length > 0) {
        await Promise.race(running);
      } else if (!this.#loop.isDue) {
        return;
      }
    }
  }

  /** Counts what became of the jobs that a call set off, and of those that they set off in turn. */
  async work(origin: string): Promise<Work> {
    return await this.#work.of(origin, this.#components);
  }

  /** O(components + jobs that are due, up to 1,000 of each). */
  async figures(): Promise<JobFigures> {
    const nowMs = Date.now();
    const due = await Promise.all(
      this.#components.map((path) => this.#jobs.due(path, nowMs, maxCountedJobs)),
    );
    const earliestMs = due.reduce((least, [first]) => Math.min(least, first?.scheduledTime ?? nowMs), nowMs);
    return {
      due: due.reduce((sum, { length }) => sum + length, 0),
      longestDueMs: nowMs - earliestMs,
      runningActions: this.#actions.size,
      ended: { ...this.#ended },
    };
  }

  #changed(change: JobChange): void {
    this.#work.count(change);
    const { kind } = change.to;
    if (kind !== "pending" && kind !== "inProgress") this.#ended[kind] += 1;
    if (change.to.kind === "pending" && !this.#due.isHeldBack(change.id)) {
      this.#due.expect(change.componentPath, change.scheduledTime);
      this.#loop.wake();
    }
  }

  #take(job: Job): void {
    if (!this.#loop.isOn || job.scheduledTime > Date.now()) {
      return;
    }
    this.#due.holdBack(job, Infinity);
    this.#handedOver.push(job);
    this.#loop.wake();
  }

  async #runDue(): Promise<void> {
    await this.#crons.runDue();
    const found = await this.#due.take();
    const jobs = [...found, ...this.#handedOver.splice(0)];
    if (jobs.length > 0) {
      await this.#runJobs(jobs.sort((a, b) => a.scheduledTime - b.scheduledTime));
    } else {
      await this.#cleanUp.runDue(this.#components);
    }
  }

  #retryAfterMs(error: unknown): number {
    for (const path of this.#components) {
      this.#due.expect(path, 0);
    }
    this.#onFailure({ componentPath: "", functionPath: "", error, requestId: "" });
    return retryAfterErrorMs;
  }

  /** Resolves when transactions see what these jobs did, and what the jobs of the step before did is durable. */
  async #runJobs(jobs: readonly Job[]): Promise<void> {
    const serial = this.#database.storage.capabilities.serialTransactions;
    const before = this.#ending;
    const ended: Promise<void>[] = [];
    const handedOver: Promise<void>[] = [];
    for (const job of jobs) {
      this.#due.holdBack(job, Infinity);
      const seen = new Promise<void>((resolve) => {
        const run = this.#runJob(job, resolve).catch((error: unknown) => {
          this.#due.release(job.id);
          this.#loop.fail(error);
        });
        ended.push(run.finally(resolve));
      });
      handedOver.push(seen);
      if (!serial) {
        await ended.at(-1);
      }
    }
    this.#ending = Promise.all(ended);
    await Promise.all([before, ...handedOver]);
  }

  /** Resolves when a mutation has ended, or an action has been started. `onHandedOver` is called when transactions see it. */
  async #runJob(job: Job, onHandedOver: () => void): Promise<void> {
    let kind: string;
    try {
      kind = await this.#runner.kindOf(job);
    } catch (error) {
      if (isTrueupError(error) && error.retryable) return this.#tryAgain(job);
      await this.#runner.fail(job, error);
      return this.#due.forget(job.id);
    }
    if (kind === "action") {
      return this.#startAction(job);
    }
    if ((await this.#runner.runMutation(job, onHandedOver)) === "done") {
      this.#attempts.delete(job.id);
      return this.#due.forget(job.id);
    }
    this.#tryAgain(job);
  }

  #tryAgain(job: Job): void {
    const attempts = (this.#attempts.get(job.id) ?? 0) + 1;
    this.#attempts.set(job.id, attempts);
    this.#due.holdBack(job, Date.now() + backoffMs(attempts, firstRetryMs, maxRetryMs));
  }

  #startAction(job: Job): void {
    this.#due.holdBack(job, Infinity);
    if (this.#actions.size >= maxActions) {
      this.#waiting.add(job.id);
      return;
    }
    const ended = this.#runner
      .runAction(job)
      .catch((error: unknown) => this.#loop.fail(error))
      .then(() => {
        this.#actions.delete(job.id);
        this.#due.release(job.id);
        for (const id of this.#waiting) {
          this.#due.release(id);
        }
        this.#waiting.clear();
        this.#loop.wake();
      });
    this.#actions.set(job.id, ended);
  }
}
