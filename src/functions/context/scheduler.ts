/**
 * `ctx.scheduler`: hands jobs over to the queue, in the mutation's own transaction or, from an action, in
 * a transaction of its own.
 */
import type { Value } from "convex/values";
import type { MutationTransaction } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import { copyArguments } from "../boundary/check-call.js";
import type { Execution } from "../execution/execution.js";
import { referenceText } from "../execution/invoke.js";
import type { NewJob } from "../execution/job-queue.js";
import { requireArgument } from "./require-argument.js";

/** `ctx.scheduler`. */
export interface SchedulerHandle {
  /** Runs the function after a delay in milliseconds; returns the job's id. */
  runAfter(delayMs: number, reference: unknown, args?: unknown): Promise<string>;
  /** Runs the function at a time: a Date, or milliseconds since 1970. */
  runAt(time: number | Date, reference: unknown, args?: unknown): Promise<string>;
  cancel(id: string): Promise<void>;
}

/** Runs the operation in the transaction that a job is to be written in. */
type Within = <T>(operation: (tx: MutationTransaction) => Promise<T>) => Promise<T>;

const fiveYearsMs = 5 * 366 * 24 * 60 * 60 * 1000;

/** The scheduler of a mutation: its jobs exist if the mutation commits. */
export function mutationScheduler(execution: Execution): SchedulerHandle {
  return scheduler(execution, (operation) => {
    execution.assertRunning();
    return execution.turn.take(() => operation(execution.mutation));
  });
}

/** The scheduler of an action: its jobs exist when the promise resolves. */
export function actionScheduler(execution: Execution): SchedulerHandle {
  return scheduler(execution, async (operation) => {
    const { value } = await execution.engine.database.mutate(operation, { limits: null });
    return value;
  });
}

function scheduler(execution: Execution, within: Within): SchedulerHandle {
  const { engine, component, request } = execution;
  const schedule = async (scheduledTime: number, reference: unknown, args: unknown): Promise<string> => {
    const fn = execution.program.resolve(component, referenceText(reference));
    if (fn.kind === "query") {
      throw new TrueupError("FUNCTION_WRONG_KIND", `'${fn.path}' is a query: only mutations and actions can be scheduled.`, {
        path: fn.path,
      });
    }
    const job: NewJob = {
      componentPath: component.path,
      functionPath: fn.path,
      functionComponentPath: fn.component.path,
      args: copyArguments(args, engine.valueLimits) as Value,
      scheduledTime,
      origin: request.origin,
      parent:
        request.scheduledFunctionId === null
          ? null
          : { componentPath: request.scheduledIn, id: request.scheduledFunctionId },
    };
    return await within((tx) => engine.jobs.schedule(tx, job));
  };
  return {
    runAfter: async (delayMs, reference, args) => {
      if (typeof delayMs !== "number" || !Number.isFinite(delayMs) || delayMs < 0) {
        throw invalidTime("`delayMs` must be a non-negative, finite number", delayMs);
      }
      return await schedule(Date.now() + delayMs, reference, args);
    },
    runAt: async (time, reference, args) => {
      const at = time instanceof Date ? time.valueOf() : time;
      if (typeof at !== "number" || !Number.isFinite(at)) {
        throw invalidTime("The invoke time must a Date or a timestamp", time);
      }
      if (Math.abs(at - Date.now()) > fiveYearsMs) {
        throw invalidTime("The invoke time must be within five years of now", time);
      }
      return await schedule(at, reference, args);
    },
    cancel: async (id) => {
      requireArgument(id, 1, "cancel", "id");
      await within((tx) => engine.jobs.cancel(tx, component.path, id));
    },
  };
}

function invalidTime(message: string, received: unknown): TrueupError {
  return new TrueupError("INVALID_SCHEDULED_TIME", `${message}. Received: ${String(received)}`);
}
