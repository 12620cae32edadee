/** The port through which `ctx.scheduler` hands over work; the scheduler room implements it. */
import type { Value } from "convex/values";
import type { MutationTransaction } from "../../database/index.js";

/** A function to be run later. */
export interface NewJob {
  /** The component that schedules it: the job is a document of its `_scheduled_functions`. */
  readonly componentPath: string;
  /** `dir/mod:fn`, and the component of that function. */
  readonly functionPath: string;
  readonly functionComponentPath: string;
  readonly args: Value;
  /** Milliseconds since 1970. */
  readonly scheduledTime: number;
  /** The call that someone follows through the jobs it sets off. */
  readonly origin: string | null;
  /** The job whose run schedules this one: if it was canceled meanwhile, so is this. */
  readonly parent: { readonly componentPath: string; readonly id: string } | null;
}

/**
 * Contract: both calls write in the transaction they are given, so a job exists, or is canceled, exactly
 * if that transaction commits.
 */
export interface JobQueue {
  schedule(tx: MutationTransaction, job: NewJob): Promise<string>;
  /** Finished jobs stay as they are. @throws JOB_NOT_FOUND */
  cancel(tx: MutationTransaction, componentPath: string, id: string): Promise<void>;
}
