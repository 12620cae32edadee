/**
 * Runs a query that comes as source with the request, for `npx convex run --inline-query`. Whoever has the admin key may push
 * code anyway, so the query runs like one of the app, in this process, and can only read.
 */
import { v } from "convex/values";
import { importSource, requestReader } from "../../deploy/index.js";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { decodeArguments, functionReply, type FunctionReply } from "../calls/function-reply.js";
import { isOutage } from "../calls/outage.js";
import { readFormat } from "../calls/value-format.js";
import type { Route, RouteRequest } from "../http/route.js";

/** The module that the source may import. Its `query` returns the definition that it is given. */
const wrappers = "convex:/_system/repl/wrappers.js";
const linked: ReadonlyMap<string, string> = new Map([
  [wrappers, "export const query = (definition) => definition; export const internalQuery = query;"],
]);

const readRequest = requestReader(
  v.object({
    bundle: v.object({ path: v.string(), source: v.string() }),
    args: v.optional(v.any()),
    format: v.optional(v.string()),
    componentId: v.optional(v.string()),
  }),
);

type Handler = (ctx: object, args: unknown) => unknown;

export const inlineQueryRoutes: readonly Route[] = [
  { method: "POST", path: "/api/run_test_function", isForAdmins: true, answer: runInlineQuery },
];

async function runInlineQuery({ backend, caller, body }: RouteRequest): Promise<FunctionReply> {
  const { bundle, componentId: componentPath = "", ...request } = readRequest(body);
  const format = readFormat(request.format);
  const args = decodeArguments(request.args);
  let handler: Handler;
  try {
    handler = await importHandler(bundle.path, bundle.source);
  } catch (error) {
    if (!isTrueupError(error)) throw error;
    return { status: "error", errorMessage: error.message, errorCode: error.code, logLines: [] };
  }
  const { identity } = caller;
  const outcome = await backend.run({
    handler,
    kind: "query",
    componentPath,
    args,
    identity,
    allowInternal: true,
  });
  if (outcome.status === "error" && isOutage(outcome.error)) throw outcome.error;
  return functionReply(outcome, format, caller);
}

/** @throws MODULE_FAILED, INVALID_FUNCTION */
async function importHandler(path: string, source: string): Promise<Handler> {
  const name = { definitionPath: "", modulePath: path };
  const { default: definition } = await importSource(name, source, { linked });
  if (typeof definition === "function") return definition as Handler;
  const handler: unknown = (definition as { handler?: unknown } | undefined)?.handler;
  if (typeof handler === "function") return handler as Handler;
  throw new TrueupError("INVALID_FUNCTION", `${path} must export a query by default.`, { path });
}
