/**
 * Runs scheduled jobs and cron jobs when they are due, and removes old ones. Due jobs of all components are taken in the order
 * of their times. Several mutations are handed to the storage at once, so that they share a commit; actions run beside them, up
 * to a number at once.
 *
 * A job begins as soon as transactions see it, while the commit that made it is on its way to the disk. So a chain of jobs, each
 * made by the one before, computes while the disk writes, but is never more than two steps ahead of it. No job can end before the
 * one that made it is durable, because commits become durable in their order, and fail with those that they have read.
 *
 * Where several processes share the storage, each runs the jobs of the shards that it has the leases of (`job-shards.ts`). It
 * hears of jobs by commits of any process, and looks every 10 seconds too. One process has the cron jobs, one removes old jobs.
 */
import {
  nextCommit,
  type Database,
  type DatabaseCommit,
  type MutationTransaction,
  type QueryTransaction,
} from "../database/index.js";
import { isTrueupError, TrueupError } from "../errors/index.js";
import type { LoadedProgram, Runtime } from "../functions/index.js";
import { backoffMs, WorkLoop, type Lease } from "../work/index.js";
import { CleanUp } from "./clean-up.js";
import { CronTable } from "./cron/cron-table.js";
import { DueJobs } from "./due-jobs.js";
import { JobShards } from "./job-shards.js";
import { jobsTable, type Job, type JobChange, type JobState, type JobTable } from "./job-table.js";
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
/** Mutations that are handed to the storage at once. */
const maxAtOnce = 64;
/** How often jobs are looked for that nobody has told of, where several processes share the storage. */
const lookEveryMs = 10_000;
/** How long whoever waits for jobs of other processes goes without news. */
const maxSilenceMs = 1_000;
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
  readonly #cleanUpLease: Lease;
  readonly #shards: JobShards;
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
    nextAtMs: () => this.#nextAtMs(),
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
  /** When jobs are looked for though nobody has told of any. */
  #lookAtMs = Infinity;
  /** Processes may have gone, and left actions behind. */
  #isInterruptedDue = false;
  #stopListening: () => void = () => {};

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
    const { leases } = database;
    this.#cleanUpLease = leases.lease("clean-up");
    this.#cleanUpLease.onGained?.(() => this.#loop.wake());
    this.#shards = new JobShards(leases);
    this.#due = new DueJobs(jobs, (id) => this.#shards.holds(id));
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
    if (this.#database.leases.isShared) this.#share();
    else {
      for (const path of this.#components) {
        for (const job of await this.#jobs.inProgress(path)) {
          await this.#runner.fail(job, new TrueupError("JOB_INTERRUPTED", undefined, { id: job.id }));
        }
      }
    }
    this.#loop.start();
  }

  /** Takes a part in the jobs that several processes share. */
  #share(): void {
    const { leases } = this.#database;
    this.#stopListening();
    this.#stopListening = this.#database.onCommit((commit) => this.#hear(commit));
    this.#shards.onGained(() => this.#lookForAll());
    leases.onGone(() => this.#lookForAll());
    this.#crons.onGained(() => this.#loop.wake());
    leases.work();
    this.#lookForAll();
  }

  #lookForAll(): void {
    this.#isInterruptedDue = true;
    this.#lookAtMs = 0;
    this.#loop.wake();
  }

  /** To look for jobs means to pass over those of others, so nothing is looked for that only they have to do with. */
  #hear(commit: DatabaseCommit): void {
    for (const { componentPath, id } of commit.idsIn(jobsTable)) {
      if (!this.#shards.holds(id) || this.#due.isHeldBack(id)) continue;
      this.#due.expect(componentPath, 0);
      this.#loop.wake();
    }
  }

  #nextAtMs(): number {
    if (this.#handedOver.length > 0) return 0;
    return Math.min(
      this.#shards.holdsAny ? Math.min(this.#due.next, this.#lookAtMs) : Infinity,
      this.#crons.next,
      this.#cleanUpLease.holds() ? this.#cleanUp.next : Infinity,
    );
  }

  /** Stops starting jobs and waits for those that run. Idempotent. */
  async stop(): Promise<void> {
    this.#stopListening();
    await this.#loop.stop();
    for (const { id } of this.#handedOver.splice(0)) this.#due.release(id);
    await this.#ending;
    await Promise.all([...this.#actions.values(), ...this.#crons.running]);
  }

  /**
   * Resolves when nothing is due and nothing runs, jobs of other processes too; at once when the scheduler does not run.
   */
  async idle(): Promise<void> {
    const { isShared } = this.#database.leases;
    while (this.#loop.isOn) {
      const news = isShared ? nextCommit(this.#database, maxSilenceMs, changesJobs) : null;
      await this.#loop.runDue();
      await this.#ending;
      const running = [...this.#actions.values(), ...this.#crons.running];
      if (running.length > 0) {
        await Promise.race(running);
      } else if (!this.#loop.isDue) {
        if (news === null || (await this.#isAllDone())) return;
        await news;
      }
    }
  }

  /** Whether no job of any process is due or under way. */
  async #isAllDone(): Promise<boolean> {
    for (const path of this.#components) {
      if ((await this.#jobs.due(path, Date.now(), 1)).length > 0) return false;
      if ((await this.#jobs.inProgress(path)).length > 0) return false;
    }
    return true;
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
    if (!this.#loop.isOn || job.scheduledTime > Date.now() || !this.#shards.holds(job.id)) {
      return;
    }
    this.#due.holdBack(job, Infinity);
    this.#handedOver.push(job);
    this.#loop.wake();
  }

  async #runDue(): Promise<void> {
    if (this.#database.leases.isShared) await this.#look();
    await this.#crons.runDue();
    const found = await this.#due.take();
    const jobs = [...found, ...this.#handedOver.splice(0)];
    if (jobs.length > 0) {
      await this.#runJobs(jobs.sort((a, b) => a.scheduledTime - b.scheduledTime));
    } else if (this.#cleanUpLease.holds()) {
      await this.#cleanUp.runDue(this.#components);
    }
  }

  /** Looks for jobs that nobody has told of, and for actions whose process is no more. */
  async #look(): Promise<void> {
    if (this.#lookAtMs <= Date.now()) {
      this.#lookAtMs = Date.now() + lookEveryMs;
      for (const path of this.#components) this.#due.expect(path, 0);
    }
    if (!this.#isInterruptedDue) return;
    this.#isInterruptedDue = false;
    try {
      for (const path of this.#components) {
        for (const job of await this.#jobs.inProgress(path)) {
          if (this.#shards.holds(job.id)) await this.#runner.failIfInterrupted(job);
        }
      }
    } catch (error) {
      this.#isInterruptedDue = true;
      throw error;
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
      if (handedOver.length % maxAtOnce === 0) await Promise.all(handedOver);
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

function changesJobs({ tables }: DatabaseCommit): boolean {
  return tables.some(({ tableName }) => tableName === jobsTable);
}
