/** Runs one of the server's own queries as if it were a function of the app. */
import type { Value } from "convex/values";
import type { Backend } from "../../backend/index.js";
import { isTrueupError } from "../../errors/index.js";
import type { QueryRun } from "../../subscriptions/index.js";
import type { FunctionReply } from "../calls/function-reply.js";
import { encodeValue, type ValueFormat } from "../calls/value-format.js";
import { HttpError } from "../http/http-error.js";
import { systemQueries } from "./system-queries.js";

const prefix = "_system/";

export interface SystemCall {
  readonly backend: Backend;
  readonly serverUrl: string;
  readonly componentPath: string;
  readonly path: string;
  readonly args: Value;
  readonly format: ValueFormat;
}

export function isSystemFunction(path: string): boolean {
  return path.startsWith(prefix);
}

/** What goes wrong is in the reply. */
export async function runSystemQuery(call: SystemCall): Promise<QueryRun<FunctionReply>> {
  const { backend, serverUrl, componentPath, format } = call;
  const name = call.path
    .slice(prefix.length)
    .replace(/\.js(?=:|$)/, "")
    .replace(/:default$/, "");
  const query = systemQueries[name];
  const before = backend.database.storage.version;
  if (query === undefined) {
    const errorMessage = `The system function ${call.path} is not something that this server has yet.`;
    return { outcome: failure(errorMessage, "FEATURE_NOT_SUPPORTED"), version: before, readSet: null };
  }
  const args =
    typeof call.args === "object" && call.args !== null && !Array.isArray(call.args) ? call.args : {};
  try {
    const { value, version, readSet } = await backend.database.query(
      (tx) => query({ backend, serverUrl, tx, componentPath }, args as Record<string, Value>),
      { limits: null },
    );
    const outcome: FunctionReply = { status: "success", value: encodeValue(value, format), logLines: [] };
    return { outcome, version, readSet };
  } catch (error) {
    if (!isTrueupError(error) && !(error instanceof HttpError)) throw error;
    return { outcome: failure(error.message, error.code), version: before, readSet: null };
  }
}

function failure(errorMessage: string, errorCode: string): FunctionReply {
  return { status: "error", errorMessage, errorCode, logLines: [] };
}
