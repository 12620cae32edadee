/** What a call from outside is, what comes of it, and the port through which functions schedule further calls. */
import type { UserIdentity } from "convex/server";
import type { Value } from "convex/values";
import type { MutationTransaction, ReadSet } from "../database/index.js";
import type { StorageSnapshot, Version } from "../storage/storage.js";
import type { ClientRequest } from "./execution/client-answers.js";
import type { FunctionKind, Handler } from "./program/registered-function.js";

/** Names a function by path (`dir/mod:fn`), reference or handle, or is a handler itself. */
export type CallTarget =
  | { readonly path: string }
  | { readonly reference: unknown }
  | { readonly handler: Handler; readonly kind: FunctionKind };

interface CallOptions {
  /** Refuses a function of another kind. When it is left out, the function may be of any kind. */
  readonly kind?: FunctionKind;
  /** The component that the name is looked up in; "" is the app. */
  readonly componentPath?: string;
  /** An object; an empty one when it is left out. */
  readonly args?: unknown;
  readonly identity?: UserIdentity | null;
  /** Whether the caller may call internal functions. Admins, jobs and tests may; the public may not. */
  readonly allowInternal: boolean;
  /** By this id, the jobs that the call sets off can be followed. */
  readonly requestId?: string;
  readonly ip?: string | null;
  readonly userAgent?: string | null;
  readonly authToken?: string | null;
  /** Of a mutation that a client may send again: it runs the first time, and what it returned then is the answer every time. */
  readonly once?: ClientRequest;
  /**
   * Of a query: the `journal` of an earlier run, which tells where the page of that run ended. The page of this run ends
   * at the same place, whatever was inserted or deleted meanwhile.
   */
  readonly journal?: string | null;
  /** Of a query: the snapshot that it reads, which the caller releases; left out, one of the latest durable commit. */
  readonly snapshot?: StorageSnapshot;
}

/** A call of a function from outside: which function, with which arguments, as whom. */
export type FunctionCall = CallTarget & CallOptions;

/** One run of a scheduled job. The state of the job changes in the transaction of the mutation that it runs. */
export interface JobRun {
  readonly componentPath: string;
  /** Null for a cron job, of which apps see no document. */
  readonly id: string | null;
  readonly origin: string | null;
  /** Runs first; false ends the call without running the function. */
  before(tx: MutationTransaction): Promise<boolean>;
  /** Runs when the function has returned. */
  after(tx: MutationTransaction): Promise<void>;
}

/** The outcome of a call whose function returned. */
export interface FunctionSuccess {
  readonly status: "success";
  readonly value: Value;
  readonly logLines: string[];
  /** The commit that a mutation made, or that a query read. */
  readonly version?: Version;
  /** What a query read. */
  readonly readSet?: ReadSet;
  /** Tells where the page ended that a query read, if it paginated. */
  readonly journal?: string;
}

/** The outcome of a call whose function threw, or that was refused. Nothing that it wrote is kept. */
export interface FunctionFailure {
  readonly status: "error";
  /** What was thrown. */
  readonly error: unknown;
  /** What a client is told. */
  readonly errorMessage: string;
  /** The data of a ConvexError. */
  readonly errorData?: Value;
  /** Names the call in the log. */
  readonly requestId: string;
  readonly logLines: string[];
  /** The commit that a query read before it threw. */
  readonly version?: Version;
  /** What the query read of it. */
  readonly readSet?: ReadSet;
}

/** A call from outside that has ended, as whoever watches calls is told of it. */
export interface EndedCall {
  readonly kind: FunctionKind | "httpAction";
  /** `dir/mod:fn`, or the method and the path of an HTTP action. */
  readonly path: string;
  readonly componentPath: string;
  readonly requestId: string;
  /** `[LEVEL] message`. */
  readonly logLines: readonly string[];
  /** Milliseconds since 1970. */
  readonly endedAtMs: number;
  readonly tookMs: number;
  /** What was thrown and where; null where nothing was. */
  readonly errorMessage: string | null;
}

/** How a call ended; `status` tells the two apart. */
export type FunctionOutcome = FunctionSuccess | FunctionFailure;

/** How an HTTP action ended; `response` is null where no route is for the request. */
export type HttpOutcome =
  | { readonly status: "success"; readonly response: Response | null }
  | FunctionFailure;

/** A function to be run later. */
export interface NewJob {
  /** The component that schedules it: the job is a document of its `_scheduled_functions`. */
  readonly componentPath: string;
  /** `dir/mod:fn`. */
  readonly functionPath: string;
  readonly functionComponentPath: string;
  readonly args: Value;
  /** Milliseconds since 1970. */
  readonly scheduledTime: number;
  /** The id of the call that set off this job, directly or through other jobs, if someone follows it. */
  readonly origin: string | null;
  /** The job whose run schedules this one. If that job was canceled meanwhile, this one is canceled too. */
  readonly parent: { readonly componentPath: string; readonly id: string } | null;
}

/**
 * The port through which `ctx.scheduler` hands over jobs; the room `scheduler` implements it.
 *
 * Contract: both methods write in the transaction that they are given, so a job exists, or is canceled, exactly if that
 * transaction commits.
 */
export interface JobQueue {
  /** Returns the job's id. */
  schedule(tx: MutationTransaction, job: NewJob): Promise<string>;
  /** Leaves a job that has ended as it is. @throws JOB_NOT_FOUND */
  cancel(tx: MutationTransaction, componentPath: string, id: string): Promise<void>;
}
