/**
 * `ctx.scheduler`: hands jobs over to the queue, in the transaction of the mutation that schedules or, from an action, in
 * a transaction of its own.
 */
import { shown, TrueupError } from "../../errors/index.js";
import { copyArguments } from "../boundary/check-call.js";
import type { Execution } from "../execution/execution.js";
import { referenceText } from "../execution/invoke.js";
import type { NewJob } from "../call.js";
import { requireArgument } from "./refused-calls.js";

const fiveYearsMs = 5 * 366 * 24 * 60 * 60 * 1000;

/** `ctx.scheduler`. The jobs of a mutation exist if it commits; a job of an action exists when the promise has resolved. */
export class Scheduler {
  readonly #execution: Execution;

  constructor(execution: Execution) {
    this.#execution = execution;
  }

  /** Runs the function after a delay in milliseconds; returns the job's id. @throws INVALID_SCHEDULED_TIME */
  async runAfter(delayMs: number, reference: unknown, args?: unknown): Promise<string> {
    if (typeof delayMs !== "number") throw invalidTime("`delayMs` must be a number", delayMs);
    if (!Number.isFinite(delayMs)) throw invalidTime("`delayMs` must be a finite number", delayMs);
    if (delayMs < 0) throw invalidTime("`delayMs` must be non-negative", delayMs);
    if (delayMs > fiveYearsMs) throw invalidTime("`delayMs` must be at most five years", delayMs);
    return await this.#schedule(Date.now() + delayMs, reference, args);
  }

  /** Runs the function at a time: a Date, or milliseconds since 1970. @throws INVALID_SCHEDULED_TIME */
  async runAt(time: number | Date, reference: unknown, args?: unknown): Promise<string> {
    const at = time instanceof Date ? time.valueOf() : time;
    if (typeof at !== "number" || !Number.isFinite(at)) {
      throw invalidTime("The invoke time must a Date or a timestamp", time);
    }
    if (Math.abs(at - Date.now()) > fiveYearsMs) {
      throw invalidTime("The invoke time must be within five years of now", time);
    }
    return await this.#schedule(at, reference, args);
  }

  /**
   * Cancels a job. One that has begun goes on, but schedules nothing more; one that has ended stays as it is.
   *
   * @throws JOB_NOT_FOUND
   */
  async cancel(id: string): Promise<void> {
    requireArgument(id, 1, "cancel", "id");
    const { engine, component } = this.#execution;
    await this.#execution.write((tx) => engine.jobs.cancel(tx, component.path, id));
  }

  async #schedule(scheduledTime: number, reference: unknown, args: unknown): Promise<string> {
    const { engine, component, request, program } = this.#execution;
    const text = referenceText(reference);
    const importing = program.prepare(component, text);
    if (importing !== null) {
      await importing;
    }
    const fn = program.target(component, text);
    if ("kind" in fn && fn.kind === "query") {
      throw new TrueupError(
        "FUNCTION_WRONG_KIND",
        `'${fn.path}' is a query: only mutations and actions can be scheduled.`,
        { path: fn.path },
      );
    }
    const job: NewJob = {
      componentPath: component.path,
      functionPath: fn.path,
      functionComponentPath: fn.component.path,
      args: copyArguments(args, engine.valueLimits),
      scheduledTime,
      origin: request.origin,
      parent:
        request.scheduledFunctionId === null
          ? null
          : { componentPath: request.scheduledIn, id: request.scheduledFunctionId },
    };
    return await this.#execution.write((tx) => engine.jobs.schedule(tx, job));
  }
}

function invalidTime(message: string, received: unknown): TrueupError {
  return new TrueupError("INVALID_SCHEDULED_TIME", message, { received: shown(received) });
}
