/** What becomes of a call, in the JSON that clients read, and arguments as clients send them. */
import { jsonToConvex, type JSONValue, type Value } from "convex/values";
import type { FunctionOutcome } from "../../backend/index.js";
import { isTrueupError, type ErrorCode } from "../../errors/index.js";
import { HttpError } from "../http/http-error.js";
import { encodeValue, type ValueFormat } from "./value-format.js";

export type FunctionReply =
  | { readonly status: "success"; readonly value: unknown; readonly logLines: readonly string[] }
  | {
      readonly status: "error";
      readonly errorMessage: string;
      readonly errorData?: unknown;
      /** The code of an error of Trueup's own. */
      readonly errorCode?: string;
      readonly logLines: readonly string[];
    };

/** What tells clients to act on an error: to read a list of pages from its beginning. */
const officialData: Partial<Record<ErrorCode, Value>> = {
  INVALID_CURSOR: { isConvexSystemError: true, paginationError: "InvalidCursor" },
};

/** An outcome as clients read it. */
export function functionReply(outcome: FunctionOutcome, format: ValueFormat): FunctionReply {
  const { logLines } = outcome;
  if (outcome.status === "success") {
    return { status: "success", value: encodeValue(outcome.value, format), logLines };
  }
  const { error, errorMessage } = outcome;
  const errorData = outcome.errorData ?? (isTrueupError(error) ? officialData[error.code] : undefined);
  return {
    status: "error",
    errorMessage,
    ...(errorData === undefined ? {} : { errorData: encodeValue(errorData, format) }),
    ...(isTrueupError(error) ? { errorCode: error.code } : {}),
    logLines,
  };
}

/** What is wrong with a call itself, as a reply. Rethrows what the caller cannot mend. */
export function errorReply(thrown: unknown): FunctionReply {
  if (!(thrown instanceof HttpError)) throw thrown;
  return { status: "error", errorMessage: thrown.message, errorCode: thrown.code, logLines: [] };
}

/** Arguments in JSON encoding: an object, or a list of one as the clients send. @throws HttpError 400 */
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

/** Nanoseconds since 1970 as clients expect them: 8 bytes, little-endian, in base64. */
export function encodeTimestamp(versionUs: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(Math.trunc(versionUs)) * 1000n);
  return bytes.toString("base64");
}
