/**
 * The loop that runs what is due. One timer waits for the earliest time among all components; when it
 * fires, due jobs are taken in the order of their times. Mutations run one after another (where the storage
 * runs transactions serially, several are handed to it at once, so that they share a commit to disk);
 * actions run beside them, up to a number at once. Timers never keep the process alive, and are set with
 * whatever `setTimeout` and `Date` are current, so tests may replace them.
 */
import type { Database, MutationTransaction } from "../database/index.js";
import { isTrueupError, TrueupError } from "../errors/index.js";
import { currentExecution, type LoadedProgram, type Runtime } from "../functions/index.js";
import { CleanUp } from "./clean-up.js";
import { CronTable } from "./cron/cron-table.js";
import { DueJobs } from "./due-jobs.js";
import type { Job } from "./job-document.js";
import type { JobChange, JobTable } from "./job-table.js";
import { JobRunner } from "./run-job.js";
import { WorkByOrigin, type Work } from "./work-by-origin.js";

/** A job or cron job that failed, or, without a function, the scheduler itself. */
export interface SchedulerFailure {
  readonly componentPath: string;
  readonly functionPath: string;
  readonly error: unknown;
}

export interface SchedulerOptions {
  readonly onFailure?: (failure: SchedulerFailure) => void;
}

const maxActions = 64;
const maxAttempts = 8;
const firstRetryMs = 50;
const pauseAfterErrorMs = 1000;
const maxTimerMs = 0x7fff_ffff;

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
  readonly #attempts = new Map<string, number>();
  #components: readonly string[] = [];
  #isRunning = false;
  #round: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #pausedUntil = 0;

  constructor(database: Database, runtime: Runtime, jobs: JobTable, options: SchedulerOptions = {}) {
    this.#database = database;
    this.#jobs = jobs;
    this.#onFailure = options.onFailure ?? ((): void => {});
    this.#runner = new JobRunner(database, runtime, jobs, (job, error) =>
      this.#onFailure({ componentPath: job.functionComponentPath, functionPath: job.functionPath, error }),
    );
    this.#crons = new CronTable(database, runtime, this.#onFailure);
    this.#work = new WorkByOrigin(database);
    this.#cleanUp = new CleanUp(database);
    this.#due = new DueJobs(jobs);
    jobs.onChange((change) => this.#changed(change));
  }

  /**
   * Writes what a program needs of the scheduler: tables of jobs, and its cron jobs in place of
   * those of the program before. Call the result once the transaction has committed. Jobs stay as they are, and fail when
   * they are due and their function is gone. @throws INVALID_CRON
   */
  async store(tx: MutationTransaction, program: LoadedProgram): Promise<() => void> {
    const components = [...program.components.keys()];
    for (const path of components) {
      await this.#jobs.ensure(tx, path);
    }
    const activateCrons = await this.#crons.store(tx, program);
    return () => {
      this.#components = components;
      activateCrons();
      for (const path of components) {
        this.#due.expect(path, 0);
      }
      this.#wake();
    };
  }

  /** Begins to run what is due. Actions that a process before this one had begun have failed. */
  async start(): Promise<void> {
    if (this.#isRunning) {
      return;
    }
    for (const path of this.#components) {
      for (const job of await this.#jobs.inProgress(path)) {
        await this.#runner.fail(job, new TrueupError("JOB_INTERRUPTED", undefined, { id: job.id }));
      }
    }
    this.#isRunning = true;
    this.#wake();
  }

  /** Stops starting jobs and waits for those that run. Idempotent. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#disarm();
    await this.#round;
    await Promise.all([...this.#actions.values(), ...this.#crons.running]);
  }

  /** Resolves when nothing is due and nothing runs; at once when the scheduler does not run. */
  async idle(): Promise<void> {
    while (this.#isRunning) {
      await this.#runRound();
      const running = [...this.#actions.values(), ...this.#crons.running];
      if (running.length > 0) {
        await Promise.race(running);
      } else if (this.#nextTime() > Date.now()) {
        return;
      }
    }
  }

  /** What became of the jobs that a call set off, and of those that they set off in turn. */
  async work(origin: string): Promise<Work> {
    return await this.#work.of(origin, this.#components);
  }

  #changed(change: JobChange): void {
    this.#work.count(change);
    if (change.to.kind === "pending") {
      this.#due.expect(change.componentPath, change.scheduledTime);
      this.#wake();
    }
  }

  /** Sets the timer for what is due next; a round under way does so when it ends. */
  #wake(): void {
    if (!this.#isRunning || this.#round !== null) {
      return;
    }
    this.#disarm();
    const time = this.#nextTime();
    if (time === Infinity) {
      return;
    }
    const delay = Math.min(Math.max(0, time - Date.now()), maxTimerMs);
    // The timer must not carry the execution on whose behalf it happens to be set.
    this.#timer = currentExecution.exit(() => setTimeout(() => void this.#runRound(), delay));
    this.#timer.unref?.();
  }

  #disarm(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }

  #nextTime(): number {
    const time = Math.min(this.#due.next, this.#crons.next, this.#cleanUp.next);
    return Math.max(time, this.#pausedUntil);
  }

  /** Runs what is due, and what that makes due; never rejects. One round at a time. */
  #runRound(): Promise<void> {
    this.#disarm();
    this.#round ??= currentExecution.exit(async () => {
      try {
        await this.#runDue();
      } catch (error) {
        this.#pause(error);
      }
      this.#round = null;
      this.#wake();
    });
    return this.#round;
  }

  async #runDue(): Promise<void> {
    while (this.#isRunning) {
      await this.#crons.runDue();
      const jobs = await this.#due.take();
      if (jobs.length === 0) {
        break;
      }
      await this.#runJobs(jobs);
    }
    if (this.#isRunning) {
      await this.#cleanUp.runDue(this.#components);
    }
  }

  /** The storage failed: tries again a little later, or, when it is closed, no more. */
  #pause(error: unknown): void {
    if (isTrueupError(error) && error.code === "STORAGE_CLOSED") {
      this.#isRunning = false;
      return;
    }
    this.#pausedUntil = Date.now() + pauseAfterErrorMs;
    for (const path of this.#components) {
      this.#due.expect(path, this.#pausedUntil);
    }
    this.#onFailure({ componentPath: "", functionPath: "", error });
  }

  async #runJobs(jobs: readonly Job[]): Promise<void> {
    const serial = this.#database.storage.capabilities.serialTransactions;
    const started: Promise<void>[] = [];
    for (const job of jobs) {
      const run = this.#runJob(job);
      started.push(run);
      if (!serial) {
        await run;
      }
    }
    await Promise.all(started);
  }

  /** Resolves when a mutation has ended, or an action has been started. */
  async #runJob(job: Job): Promise<void> {
    let kind: string;
    try {
      kind = this.#runner.kindOf(job);
    } catch (error) {
      return await this.#runner.fail(job, error);
    }
    if (kind === "action") {
      return this.#startAction(job);
    }
    if ((await this.#runner.runMutation(job)) === "done") {
      this.#attempts.delete(job.id);
      return;
    }
    const attempts = (this.#attempts.get(job.id) ?? 0) + 1;
    this.#attempts.set(job.id, attempts);
    this.#due.holdBack(job, Date.now() + firstRetryMs * 2 ** Math.min(attempts, maxAttempts));
  }

  #startAction(job: Job): void {
    this.#due.holdBack(job, Infinity);
    if (this.#actions.size >= maxActions) {
      this.#waiting.add(job.id);
      return;
    }
    const ended = this.#runner
      .runAction(job)
      .catch((error: unknown) => this.#pause(error))
      .then(() => {
        this.#actions.delete(job.id);
        this.#due.release(job.id);
        for (const id of this.#waiting) {
          this.#due.release(id);
        }
        this.#waiting.clear();
        this.#wake();
      });
    this.#actions.set(job.id, ended);
  }
}
