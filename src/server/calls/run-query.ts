/**
 * Runs a query with what it takes to keep it live: the commit that it saw and what it read. Names beginning with
 * `_system/` are the server's own queries, for admins.
 */
import type { Backend } from "../../backend/index.js";
import type { QueryRun } from "../../subscriptions/index.js";
import type { Caller } from "../http/caller.js";
import { isSystemFunction, runSystemQuery } from "../system/run-system-query.js";
import { decodeArguments, functionReply, type FunctionReply } from "./function-reply.js";
import { permissionDenied } from "./permission.js";
import type { ValueFormat } from "./value-format.js";

export interface QueryCall {
  readonly path: string;
  /** "" is the app. */
  readonly componentPath: string;
  /** In JSON encoding. */
  readonly args: unknown;
  readonly caller: Caller;
  readonly format: ValueFormat;
  /** Where the page that it reads ended before; null when it is run for the first time. */
  readonly journal: string | null;
}

export interface QueryOutcome {
  readonly reply: FunctionReply;
  /** Where the page ended that it read; null when it read none. */
  readonly journal: string | null;
}

/** Where queries run. */
export interface QueryHost {
  readonly backend: Backend;
  readonly serverUrl: string;
}

/** @throws HttpError 400 for arguments that are no values; what the query throws is in the reply */
export async function runQuery(
  { backend, serverUrl }: QueryHost,
  call: QueryCall,
): Promise<QueryRun<QueryOutcome>> {
  const { path, componentPath, caller, format, journal } = call;
  const args = decodeArguments(call.args);
  const version = backend.database.storage.version;
  const isAdmin = caller.kind === "admin";
  if (!isAdmin && (componentPath !== "" || isSystemFunction(path))) {
    return { outcome: { reply: permissionDenied, journal: null }, version, readSet: null };
  }
  if (isSystemFunction(path)) {
    const run = await runSystemQuery({ backend, serverUrl, componentPath, path, args, format });
    return { ...run, outcome: { reply: run.outcome, journal: null } };
  }
  const outcome = await backend.run({
    kind: "query",
    path,
    componentPath,
    args,
    identity: isAdmin ? caller.identity : null,
    allowInternal: isAdmin,
    journal,
  });
  const ended = outcome.status === "success" ? (outcome.journal ?? null) : null;
  return {
    outcome: { reply: functionReply(outcome, format), journal: ended },
    version: outcome.version ?? version,
    readSet: outcome.readSet ?? null,
  };
}
