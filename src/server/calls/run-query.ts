/**
 * Runs a query, and tells what it takes to keep it live: the commit that it saw and what it read. Names that begin with
 * `_system/` are the server's own queries, for admins.
 */
import type { Backend, FunctionOutcome } from "../../backend/index.js";
import { ReadSet } from "../../database/index.js";
import { isTrueupError, type ErrorCode } from "../../errors/index.js";
import type { StorageSnapshot } from "../../storage/storage.js";
import type { QueryRun } from "../../subscriptions/index.js";
import type { Caller } from "../auth/authenticator.js";
import { isSystemFunction, runSystemQuery } from "./system-queries.js";
import { decodeArguments, functionReply, type FunctionReply, permissionDenied } from "./function-reply.js";
import { isOutage } from "./outage.js";
import type { ValueFormat } from "./value-format.js";

export interface QueryCall {
  readonly path: string;
  /** "" is the app. */
  readonly componentPath: string;
  /** The arguments in their JSON encoding. */
  readonly args: unknown;
  readonly caller: Caller;
  readonly format: ValueFormat;
  /** Tells where the page that it reads ended before; null when the query runs for the first time. */
  readonly journal: string | null;
}

export interface QueryOutcome {
  readonly reply: FunctionReply;
  /** Tells where the page ended that it read; null when it read none. */
  readonly journal: string | null;
}

/** The server in which queries run. */
export interface QueryHost {
  readonly backend: Backend;
  readonly serverUrl: string;
}

/** What is read by a call that ends before it reads: nothing but the program, whose place another one takes for all queries. */
export const nothingRead: ReadSet = new ReadSet();

/**
 * What the query throws is in the reply. @throws HttpError 400 when the arguments are no Convex values; STORAGE_UNAVAILABLE,
 *   SNAPSHOT_TOO_OLD
 * @param snapshot What the query reads; the latest durable commit when it is left out.
 */
export async function runQuery(
  { backend, serverUrl }: QueryHost,
  call: QueryCall,
  snapshot?: StorageSnapshot,
): Promise<QueryRun<QueryOutcome>> {
  const { path, componentPath, caller, format, journal } = call;
  const args = decodeArguments(call.args);
  const { version } = snapshot ?? backend.database.storage;
  const isAdmin = caller.kind === "admin";
  if (!isAdmin && (componentPath !== "" || isSystemFunction(path))) {
    return { outcome: { reply: permissionDenied, journal: null }, version, readSet: nothingRead };
  }
  if (isSystemFunction(path)) {
    const run = await runSystemQuery({ backend, serverUrl, componentPath, path, args, format, snapshot });
    return { ...run, outcome: { reply: run.outcome, journal: null } };
  }
  const outcome = await backend.run({
    kind: "query",
    path,
    componentPath,
    args,
    identity: caller.identity,
    allowInternal: isAdmin,
    journal,
    ...(snapshot === undefined ? {} : { snapshot }),
  });
  if (outcome.status === "error" && isOutage(outcome.error)) throw outcome.error;
  const ended = outcome.status === "success" ? (outcome.journal ?? null) : null;
  return {
    outcome: { reply: functionReply(outcome, format, caller), journal: ended },
    version: outcome.version ?? version,
    readSet: outcome.readSet ?? (isAboutProgram(outcome) ? nothingRead : null),
  };
}

const programErrors: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "FUNCTION_NOT_FOUND",
  "FUNCTION_NOT_PUBLIC",
  "FUNCTION_WRONG_KIND",
]);

/** Whether a call failed for what the program is, whatever the data. */
function isAboutProgram(outcome: FunctionOutcome): boolean {
  return outcome.status === "error" && isTrueupError(outcome.error) && programErrors.has(outcome.error.code);
}
