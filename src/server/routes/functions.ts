/**
 * Calls of functions: `/api/function` for admins, whatever the function is, and one route for each kind, for
 * everyone. What the function throws is an ordinary reply with status "error"; only what is wrong with the
 * request itself is an HTTP error.
 */
import { jsonToConvex, type JSONValue, type Value } from "convex/values";
import { isTrueupError } from "../../errors/index.js";
import type { FunctionOutcome } from "../../backend/index.js";
import { HttpError } from "../http/http-error.js";
import type { Route, RouteRequest } from "../http/route.js";
import { encodeValue, readFormat, type ValueFormat } from "../values/value-format.js";
import { JsonReader } from "../../deploy/index.js";

type Kind = "query" | "mutation" | "action";

/** Arguments may be 16 MiB; base64 and escapes make them longer. */
const maxBodyBytes = 32 * 1024 * 1024;

/** What a client reads. */
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

export const functionRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/api/function",
    isForAdmins: true,
    maxBodyBytes,
    answer: (request) => callFunction(request, undefined),
  },
  ...(["query", "mutation", "action"] as const).map((kind): Route => ({
    method: "POST",
    path: `/api/${kind}`,
    isForAdmins: false,
    maxBodyBytes,
    answer: (request) => callFunction(request, kind),
  })),
  {
    method: "POST",
    path: "/api/query_ts",
    isForAdmins: false,
    answer: async ({ backend }) => ({ ts: encodeTimestamp(backend.database.storage.version) }),
  },
];

/** Nanoseconds since 1970 as clients expect them: 8 bytes, little-endian, in base64. */
export function encodeTimestamp(versionUs: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(versionUs) * 1000n);
  return bytes.toString("base64");
}

/** An outcome as clients read it. */
export function functionReply(outcome: FunctionOutcome, format: ValueFormat): FunctionReply {
  const { logLines } = outcome;
  if (outcome.status === "success") {
    return { status: "success", value: encodeValue(outcome.value, format), logLines };
  }
  const { error, errorMessage, errorData } = outcome;
  return {
    status: "error",
    errorMessage,
    ...(errorData === undefined ? {} : { errorData: encodeValue(errorData, format) }),
    ...(isTrueupError(error) ? { errorCode: error.code } : {}),
    logLines,
  };
}

/** Arguments in JSON encoding: an object, or a list of one as older clients send. @throws HttpError 400 */
export function decodeArguments(json: unknown): Value {
  const args: unknown = Array.isArray(json) ? (json.length === 0 ? {} : json[0]) : (json ?? {});
  if (Array.isArray(json) && json.length > 1) {
    throw new HttpError(400, "BadArguments", "A function takes one argument, an object.");
  }
  try {
    return jsonToConvex(args as JSONValue);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HttpError(400, "BadArguments", `The arguments are not the JSON of Convex values: ${reason}`);
  }
}

async function callFunction(request: RouteRequest, kind: Kind | undefined): Promise<FunctionReply> {
  const { backend, caller, headers, ip } = request;
  const body = new JsonReader(request.body);
  const componentPath = body.field("componentPath").optionalString() ?? "";
  const isAdmin = caller.kind === "admin";
  if (componentPath !== "" && !isAdmin) {
    throw new HttpError(403, "Unauthorized", "Only the admin key may call functions of a component.");
  }
  const format = readFormat(body.field("format"));
  const requestId = headers["trueup-request-id"];
  const outcome = await backend.run({
    path: body.field("path").string(),
    componentPath,
    args: decodeArguments(body.field("args").value),
    identity: isAdmin ? caller.identity : null,
    allowInternal: isAdmin,
    ip,
    userAgent: headers["user-agent"] ?? null,
    ...(kind === undefined ? {} : { kind }),
    ...(isAdmin && typeof requestId === "string" ? { requestId } : {}),
  });
  return functionReply(outcome, format);
}
