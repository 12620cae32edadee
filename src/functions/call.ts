/** What a call from outside is, and what comes of it. */
import type { UserIdentity } from "convex/server";
import type { Value } from "convex/values";
import type { MutationTransaction, ReadSet } from "../database/index.js";
import type { Version } from "../storage/storage.js";
import type { FunctionKind, Handler } from "./program/registered-function.js";

/** Names a function by path (`dir/mod:fn`), reference or handle, or is a handler itself. */
export type CallTarget =
  | { readonly path: string }
  | { readonly reference: unknown }
  | { readonly handler: Handler; readonly kind: FunctionKind };

interface CallOptions {
  /** Refuses a function of another kind. Left out: whatever the function is. */
  readonly kind?: FunctionKind;
  /** The component that the name is looked up in; "" is the app. */
  readonly componentPath?: string;
  /** An object; left out, an empty one. */
  readonly args?: unknown;
  readonly identity?: UserIdentity | null;
  /** Whether internal functions may be called: yes for admins, jobs and tests, no for the public. */
  readonly allowInternal: boolean;
  /** Given, the jobs that the call sets off can be followed by it. */
  readonly requestId?: string;
  readonly ip?: string | null;
  readonly userAgent?: string | null;
  readonly authToken?: string | null;
  /**
   * Of a query: where the page of an earlier run ended (its `journal`), so that the page that this run reads
   * ends there too, whatever came and went meanwhile.
   */
  readonly journal?: string | null;
}

export type FunctionCall = CallTarget & CallOptions;

/** A job's run: its state changes in the mutation's own transaction. */
export interface JobRun {
  readonly componentPath: string;
  /** Null for a cron job, which is no document that apps see. */
  readonly id: string | null;
  readonly origin: string | null;
  /** Runs first; false ends the call without running the function. */
  before(tx: MutationTransaction): Promise<boolean>;
  /** Runs when the function has returned. */
  after(tx: MutationTransaction): Promise<void>;
}

export interface FunctionSuccess {
  readonly status: "success";
  readonly value: Value;
  readonly logLines: string[];
  /** The commit that a mutation made, or that a query read. */
  readonly version?: Version;
  /** What a query read. */
  readonly readSet?: ReadSet;
  /** Where the page ended that a query read, if it paginated. */
  readonly journal?: string;
}

export interface FunctionFailure {
  readonly status: "error";
  /** What was thrown. */
  readonly error: unknown;
  /** What a client is told. */
  readonly errorMessage: string;
  /** The data of a ConvexError. */
  readonly errorData?: Value;
  readonly logLines: string[];
  /** The commit that a query read before it threw, and what it read of it. */
  readonly version?: Version;
  readonly readSet?: ReadSet;
}

export type FunctionOutcome = FunctionSuccess | FunctionFailure;
