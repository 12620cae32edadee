/**
 * Runs scheduled functions as tests expect it. Each has a timer of its own, which is set by the `setTimeout` that is global when
 * the transaction commits. So a test with fake timers decides which functions begin, one by one. A function that has begun
 * is waited for; the functions that it schedules are not.
 */
import type { Database } from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import { currentExecution, type Runtime } from "../functions/index.js";
import { JobRunner, type JobChange, type JobTable } from "../scheduler/index.js";

const maxDelayMs = 0x7fff_ffff;
/** A timer that is due has so many turns of the real event loop to fire in. */
const maxIdleTurns = 20;
// It is taken when this module is imported, so it is the real one, whatever a test puts in its place.
const realSetTimeout: typeof setTimeout = globalThis.setTimeout.bind(globalThis);

export class TimedJobs {
  readonly #database: Database;
  readonly #runtime: Runtime;
  readonly #jobs: JobTable;
  readonly #runner: JobRunner;
  readonly #running = new Set<Promise<void>>();
  #timers = 0;

  constructor(database: Database, runtime: Runtime, jobs: JobTable) {
    this.#database = database;
    this.#runtime = runtime;
    this.#jobs = jobs;
    this.#runner = new JobRunner(database, runtime, jobs, (job, error) =>
      runtime.report(job.functionComponentPath, job.functionPath, error),
    );
    jobs.onChange((change) => {
      if (change.to.kind === "pending") {
        this.#arm(change);
      }
    });
  }

  /** Resolves when every function that has begun has ended. */
  async finishInProgress(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.all(this.#running);
    }
  }

  /** Advances time until nothing runs and no timer is left that can fire. @throws SCHEDULED_WITHOUT_END, INVALID_CALL */
  async finishAll(advanceTimers: () => void, maxIterations: number): Promise<void> {
    const clock = globalThis.setTimeout;
    const advance = (): void => {
      if (globalThis.setTimeout !== clock) {
        throw new TrueupError(
          "INVALID_CALL",
          "finishAllScheduledFunctions: timers were restored or replaced while waiting for scheduled functions. " +
            "Await it before the test ends and before it calls vi.useRealTimers().",
        );
      }
      advanceTimers();
    };
    let idleTurns = 0;
    for (let i = 0; i < maxIterations; i += 1) {
      advance();
      if (this.#running.size > 0) {
        idleTurns = 0;
        await this.#finishWhile(advance);
      } else if (this.#timers === 0 || idleTurns >= maxIdleTurns) {
        return;
      } else {
        // A timer that was set while the clock was the real one fires by itself, or is not due.
        idleTurns += 1;
        await realTurn();
      }
    }
    throw new TrueupError(
      "SCHEDULED_WITHOUT_END",
      `finishAllScheduledFunctions: too many iterations (${maxIterations}). ` +
        "Check for infinitely recursive scheduled functions, or increase maxIterations.",
      { maxIterations },
    );
  }

  /** Waits for what runs, and advances time meanwhile, because an action may wait for a timer of its own. */
  async #finishWhile(advance: () => void): Promise<void> {
    let isDone = false;
    const finished = this.finishInProgress().finally(() => {
      isDone = true;
    });
    const pumped = (async (): Promise<void> => {
      while (!isDone) {
        advance();
        await Promise.race([finished, realTurn()]);
      }
    })();
    await Promise.race([finished, pumped]);
    await finished;
  }

  #arm(change: JobChange): void {
    this.#timers += 1;
    const delayMs = Math.max(0, change.scheduledTime - Date.now());
    // The timer must not carry the execution that happens to set it.
    const timer: unknown = currentExecution.exit(() =>
      setTimeout(
        () => {
          this.#timers -= 1;
          if (delayMs > maxDelayMs) {
            this.#arm(change);
          } else {
            this.#begin(change);
          }
        },
        Math.min(delayMs, maxDelayMs),
      ),
    );
    // A process must not stay alive for a function that is due next year.
    (timer as { unref?: () => void } | null)?.unref?.();
  }

  #begin({ componentPath, id }: JobChange): void {
    const running = this.#run(componentPath, id)
      .catch((error: unknown) => this.#runtime.report(componentPath, "", error))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #run(componentPath: string, id: string): Promise<void> {
    const { value: job } = await this.#database.query((tx) => this.#jobs.read(tx, componentPath, id), {
      limits: null,
    });
    if (job === null || job.state.kind !== "pending") {
      return;
    }
    let kind: "mutation" | "action";
    try {
      await this.#runtime.program.component(job.functionComponentPath).prepare(job.functionPath);
      kind = await this.#runner.kindOf(job);
    } catch (error) {
      await this.#runner.fail(job, error);
      return;
    }
    if (kind === "action") {
      await this.#runner.runAction(job);
      return;
    }
    while ((await this.#runner.runMutation(job)) === "again") {
      await realTurn();
    }
  }
}

function realTurn(): Promise<void> {
  return new Promise((resolve) => {
    realSetTimeout(resolve, 0);
  });
}
