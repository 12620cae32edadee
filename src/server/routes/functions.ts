/**
 * Calls of functions. `/api/function` takes calls of every function, for admins. One route for each kind, and `/api/run/` with
 * the function in the path, take calls from everyone. What the function throws is an ordinary reply with status "error"; only
 * what is wrong with the request itself is an HTTP error. `trueup run` also asks what became of the jobs that a call set off.
 */
import { v } from "convex/values";
import type { FunctionOutcome } from "../../backend/index.js";
import { requestReader } from "../../deploy/index.js";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import type { StorageSnapshot } from "../../storage/storage.js";
import {
  decodeArguments,
  decodeTimestamp,
  encodeTimestamp,
  functionReply,
  type FunctionReply,
  permissionDenied,
} from "../calls/function-reply.js";
import { runQuery } from "../calls/run-query.js";
import { isOutage } from "../calls/outage.js";
import { readFormat } from "../calls/value-format.js";
import type { Route, RouteRequest } from "../http/route.js";
import { isSystemFunction } from "../calls/system-queries.js";

type Kind = "query" | "mutation" | "action";

/** Arguments may have 16 MiB; base64 and escapes make them longer. */
const maxBodyBytes = 32 * 1024 * 1024;

const readPath = requestReader(v.object({ path: v.string() }));
const readCall = requestReader(
  v.object({
    componentPath: v.optional(v.string()),
    args: v.optional(v.any()),
    format: v.optional(v.string()),
  }),
);
const readTimestamp = requestReader(v.object({ ts: v.string() }));
const readWork = requestReader(v.object({ requestId: v.string() }));

export const functionRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/api/function",
    isForAdmins: true,
    maxBodyBytes,
    answer: (request) => callFunction(request, undefined, pathInBody(request)),
  },
  {
    method: "POST",
    path: "/api/run/*",
    isForAdmins: false,
    maxBodyBytes,
    answer: (request) => callFunction(request, undefined, pathInUrl(request)),
  },
  ...(["query", "mutation", "action"] as const).map((kind): Route => ({
    method: "POST",
    path: `/api/${kind}`,
    isForAdmins: false,
    maxBodyBytes,
    answer: (request) => callFunction(request, kind, pathInBody(request)),
  })),
  {
    method: "POST",
    path: "/api/query_ts",
    isForAdmins: false,
    answer: async ({ backend }) => ({ ts: encodeTimestamp(await backend.database.held.hold()) }),
  },
  { method: "POST", path: "/api/query_at_ts", isForAdmins: false, maxBodyBytes, answer: queryAtTimestamp },
  {
    method: "POST",
    path: "/api/trueup/work",
    isForAdmins: true,
    answer: ({ backend, body }) => backend.scheduler.work(readWork(body).requestId),
  },
];

function pathInBody({ body }: RouteRequest): string {
  return readPath(body).path;
}

/** `/api/run/dir/mod/fn` names `dir/mod:fn`, as the documented HTTP API has it. */
function pathInUrl({ path }: RouteRequest): string {
  const segments = path.split("/").slice(3);
  return `${segments.slice(0, -1).join("/")}:${segments.at(-1) ?? ""}`;
}

/** Calls a query as of a commit that `/api/query_ts` named. @throws INVALID_REQUEST, TIMESTAMP_NOT_HELD */
async function queryAtTimestamp(request: RouteRequest): Promise<FunctionReply> {
  const version = decodeTimestamp(readTimestamp(request.body).ts);
  const path = pathInBody(request);
  return await request.backend.database.held.read(version, (snapshot) =>
    callFunction(request, "query", path, snapshot),
  );
}

/** Whether the storage has released the snapshot before its time, or its program is not loaded any more. */
function isLost(outcome: FunctionOutcome): boolean {
  if (outcome.status === "success" || !isTrueupError(outcome.error)) return false;
  return outcome.error.code === "SNAPSHOT_TOO_OLD" || outcome.error.code === "MODULES_MISSING";
}

/**
 * @param snapshot What a query reads; left out, the latest durable commit.
 * @throws TIMESTAMP_NOT_HELD when the snapshot cannot be read any more; STORAGE_UNAVAILABLE, after which a mutation may have
 *   happened or not
 */
async function callFunction(
  request: RouteRequest,
  kind: Kind | undefined,
  path: string,
  snapshot?: StorageSnapshot,
): Promise<FunctionReply> {
  const { backend, caller, headers, ip } = request;
  const { componentPath = "", args, ...body } = readCall(request.body);
  const format = readFormat(body.format);
  const isAdmin = caller.kind === "admin";
  if (isSystemFunction(path)) {
    const call = { path, componentPath, args, caller, format, journal: null };
    return (await runQuery(request, call, snapshot)).outcome.reply;
  }
  if (componentPath !== "" && !isAdmin) return permissionDenied;
  const requestId = headers["trueup-request-id"];
  const outcome = await backend.run({
    path,
    componentPath,
    args: decodeArguments(args),
    identity: caller.identity,
    allowInternal: isAdmin,
    ip,
    userAgent: headers["user-agent"] ?? null,
    ...(kind === undefined ? {} : { kind }),
    ...(isAdmin && typeof requestId === "string" ? { requestId } : {}),
    ...(snapshot === undefined ? {} : { snapshot }),
  });
  if (snapshot !== undefined && isLost(outcome)) throw new TrueupError("TIMESTAMP_NOT_HELD");
  if (outcome.status === "error" && isOutage(outcome.error)) throw outcome.error;
  return functionReply(outcome, format, caller);
}
