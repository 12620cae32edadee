/** A job as a document of `_scheduled_functions`, and as the scheduler handles it. */
import type { Value } from "convex/values";
import type { Document } from "../database/index.js";
import type { IndexJson } from "../schema/index.js";

/** The system table that `ctx.db.system` shows. */
export const jobsTable = "_scheduled_functions";
export const jobsByStateAndTime: string = `${jobsTable}.by_state_and_time`;
export const jobsByCompletedTime: string = `${jobsTable}.by_completed_time`;
export const jobIndexes: readonly IndexJson[] = [
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
  /** The id of the call that set the job off, directly or through other jobs. */
  readonly origin: string | null;
}

/** Reads a document of a component's `_scheduled_functions`. */
export function jobOfDocument(componentPath: string, document: Document): Job {
  const { name, functionComponentPath, origin, args } = document;
  return {
    id: document._id,
    componentPath,
    functionPath: typeof name === "string" ? name : "",
    functionComponentPath: typeof functionComponentPath === "string" ? functionComponentPath : componentPath,
    args: (Array.isArray(args) ? args[0] : undefined) ?? {},
    scheduledTime: Number(document["scheduledTime"]),
    state: document["state"] as unknown as JobState,
    origin: typeof origin === "string" ? origin : null,
  };
}
