/** Writes the outcome of a call as the JSON that clients read, and reads arguments as clients send them. */
import { jsonToConvex, type JSONValue, type Value } from "convex/values";
import type { FunctionOutcome } from "../../backend/index.js";
import { invalidRequest } from "../../deploy/index.js";
import { isTrueupError, type ErrorCode } from "../../errors/index.js";
import type { Caller } from "../auth/authenticator.js";
import { HttpError } from "../http/http-error.js";
import { encodeValue, type ValueFormat } from "./value-format.js";

export type FunctionReply =
  | { readonly status: "success"; readonly value: unknown; readonly logLines: readonly string[] }
  | {
      readonly status: "error";
      readonly errorMessage: string;
      readonly errorData?: unknown;
      /** The code of the error, if it is one of Trueup's. */
      readonly errorCode?: string;
      readonly logLines: readonly string[];
    };

/** The data by which official clients know an error that they act on: they read a list of pages again from its beginning. */
const officialData: Partial<Record<ErrorCode, Value>> = {
  INVALID_CURSOR: { isConvexSystemError: true, paginationError: "InvalidCursor" },
};

/** The reply that tells a caller an outcome. Who does not see errors is told an id, by which they are found in the log. */
export function functionReply(
  outcome: FunctionOutcome,
  format: ValueFormat,
  { seesErrors }: Pick<Caller, "seesErrors">,
): FunctionReply {
  const logLines = seesErrors ? outcome.logLines : [];
  if (outcome.status === "success") {
    return { status: "success", value: encodeValue(outcome.value, format), logLines };
  }
  const { error, errorMessage } = outcome;
  const errorData = outcome.errorData ?? (isTrueupError(error) ? officialData[error.code] : undefined);
  return {
    status: "error",
    errorMessage: seesErrors ? errorMessage : briefly(errorMessage, outcome.errorData !== undefined),
    ...(errorData === undefined ? {} : { errorData: encodeValue(errorData, format) }),
    ...(seesErrors && isTrueupError(error) ? { errorCode: error.code } : {}),
    logLines,
  };
}

/** The first line, which has the request's id; with it the message of an error that the app throws for its clients. */
function briefly(errorMessage: string, isForClients: boolean): string {
  return errorMessage.split("\n", isForClients ? 2 : 1).join("\n");
}

/** The reply that tells what is wrong with a call itself. Throws again what the caller cannot mend. */
export function errorReply(thrown: unknown): FunctionReply {
  if (!(thrown instanceof HttpError)) throw thrown;
  return { status: "error", errorMessage: thrown.message, errorCode: thrown.code, logLines: [] };
}

/** Decodes arguments from JSON: an object, or a list that holds one, as the clients send it. @throws HttpError 400 */
export function decodeArguments(json: unknown): Value {
  if (Array.isArray(json) && json.length > 1) {
    throw new HttpError(400, "BadArguments", "A function takes one argument, an object.");
  }
  const args: unknown = Array.isArray(json) ? (json[0] ?? {}) : (json ?? {});
  try {
    return jsonToConvex(args as JSONValue);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HttpError(400, "BadArguments", `The arguments are not the JSON of Convex values: ${reason}`);
  }
}

/** A commit, in nanoseconds since 1970, as clients expect it: 8 bytes, little-endian, in base64. */
export function encodeTimestamp(versionUs: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(Math.trunc(versionUs)) * 1000n);
  return bytes.toString("base64");
}

/** The commit that a client names by what `encodeTimestamp` gave it. @throws INVALID_REQUEST */
export function decodeTimestamp(ts: string): number {
  const bytes = Buffer.from(ts, "base64");
  if (bytes.length !== 8 || bytes.toString("base64") !== ts) {
    throw invalidRequest("ts", "a timestamp of /api/query_ts", JSON.stringify(ts.slice(0, 100)));
  }
  return Number(bytes.readBigUInt64LE() / 1000n);
}

/**
 * The reply to a caller without the admin key who asks for what only admins may do. The official CLI looks for these words, to
 * end with them instead of trying again.
 */
export const permissionDenied: FunctionReply = {
  status: "error",
  errorMessage: "You do not have permission to perform this operation: it needs the server's admin key.",
  logLines: [],
};
