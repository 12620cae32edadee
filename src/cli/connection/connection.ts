/**
 * The app's functions as the commands see them, whether they run in this process or in a server that has the data file open.
 *
 * Contract: `call` resolves with the function's own failure, and rejects only when the call could not be made. `work`
 * counts the scheduled functions that a call set off, and those that these set off in turn.
 */
import type { UserIdentity } from "convex/server";
import type { Value } from "convex/values";
import type { AdminKey, AggregateOverview, VerifyReport, SchemaChanges } from "../../backend/index.js";
import type { ExaminedComponent } from "../../deploy/index.js";
import type { ErrorCode } from "../../errors/index.js";
import type { SchemaJson } from "../../schema/index.js";

/** A function to call, and with what. */
export interface FunctionCall {
  /** `dir/mod:fn`. */
  readonly path: string;
  readonly args: Record<string, Value>;
  /** The path of the component; `""` is the app. */
  readonly componentPath: string;
  readonly identity?: UserIdentity;
  /** Refuses anything that is not a query. */
  readonly onlyQuery?: boolean;
  /** Names the work that the call sets off. */
  readonly requestId?: string;
}

/** How a call ended. */
export type CallOutcome =
  | { readonly status: "success"; readonly value: Value; readonly logLines: readonly string[] }
  | {
      readonly status: "error";
      readonly message: string;
      /** The code of an error of Trueup: an unknown function, wrong arguments, a write that the schema refuses. */
      readonly code?: ErrorCode;
      /** The data of a ConvexError. */
      readonly data?: Value;
      readonly logLines: readonly string[];
    };

/** How many of the scheduled functions of a call are in which state. */
export interface ScheduledWork {
  readonly pending: number;
  readonly inProgress: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly lastError?: string;
}

/** New schemas, to be compared with those in force. */
export interface ExamineRequest {
  /** By component path; null where the component has none. */
  readonly schemas: ReadonlyMap<string, SchemaJson | null>;
  /** `users=people`, `users.name=fullName`. */
  readonly renames: readonly string[];
  /** Whether to check the documents too. */
  readonly readsDocuments: boolean;
}

/**
 * The managed aggregates of the app, and the work on them. Each throws AGGREGATE_NOT_FOUND for a name that the app does not
 * export.
 */
export interface AggregateWork {
  list(): Promise<readonly AggregateOverview[]>;
  /** Carries on what is due for an aggregate, without waiting for it. */
  resume(name: string): Promise<void>;
  /** Begins a run of verify or repair; returns its id. */
  startVerify(name: string, options: { readonly repair: boolean }): Promise<string>;
  /** The report of such a run with the differences behind the cursor; null when the run is gone. */
  report(name: string, runId: string, cursor?: string): Promise<VerifyReport | null>;
}

/** The keys of admins. */
export interface KeyWork {
  list(): Promise<readonly AdminKey[]>;
  /** Resolves with the new key. @throws INVALID_ADMIN_KEY */
  add(name: string): Promise<string>;
  /** @throws INVALID_ADMIN_KEY */
  revoke(name: string): Promise<void>;
}

/** A way to the app's functions; see the contract above. */
export interface Connection {
  /** The server's address; undefined when the functions run in this process. */
  readonly serverUrl: string | undefined;
  /** Who runs the scheduled functions that are left when the connection closes, in words. */
  readonly workers: string;
  call(call: FunctionCall): Promise<CallOutcome>;
  work(requestId: string): Promise<ScheduledWork>;
  /** The schemas in force, and which documents the new ones would refuse. @throws INVALID_RENAME */
  examine(request: ExamineRequest): Promise<readonly ExaminedComponent[]>;
  /** The transforms and pending schemas that are still at work behind deploys. */
  schemaChanges(): Promise<SchemaChanges>;
  readonly aggregates: AggregateWork;
  readonly keys: KeyWork;
  close(): Promise<void>;
}
