/**
 * Runs a query that comes as source with the request, for `npx convex run --inline-query`. Whoever has the admin key may push
 * code anyway, so the query runs like one of the app, in this process, and can only read.
 */
import { importSource, JsonReader, sourceUrl } from "../../deploy/index.js";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { decodeArguments, functionReply, type FunctionReply } from "../calls/function-reply.js";
import { readFormat } from "../calls/value-format.js";
import type { Route, RouteRequest } from "../http/route.js";

/** The module that the source may import. Its `query` returns the definition that it is given. */
const wrappers = "convex:/_system/repl/wrappers.js";
const wrappersUrl = sourceUrl(
  "export const query = (definition) => definition; export const internalQuery = query;",
);

type Handler = (ctx: object, args: unknown) => unknown;

export const inlineQueryRoutes: readonly Route[] = [
  { method: "POST", path: "/api/run_test_function", isForAdmins: true, answer: runInlineQuery },
];

async function runInlineQuery({ backend, caller, body }: RouteRequest): Promise<FunctionReply> {
  const request = new JsonReader(body);
  const bundle = request.field("bundle");
  const format = readFormat(request.field("format"));
  const args = decodeArguments(request.field("args").value);
  const componentPath = request.field("componentId").optionalString() ?? "";
  let handler: Handler;
  try {
    handler = await importHandler(bundle.field("path").string(), bundle.field("source").string());
  } catch (error) {
    if (!isTrueupError(error)) throw error;
    return { status: "error", errorMessage: error.message, errorCode: error.code, logLines: [] };
  }
  const identity = caller.kind === "admin" ? caller.identity : null;
  const outcome = await backend.run({
    handler,
    kind: "query",
    componentPath,
    args,
    identity,
    allowInternal: true,
  });
  return functionReply(outcome, format);
}

/** @throws MODULE_FAILED, INVALID_FUNCTION */
async function importHandler(path: string, source: string): Promise<Handler> {
  const linked = source.replaceAll(JSON.stringify(wrappers), JSON.stringify(wrappersUrl));
  const { default: definition } = await importSource({ definitionPath: "", modulePath: path }, linked);
  if (typeof definition === "function") return definition as Handler;
  const handler: unknown = (definition as { handler?: unknown } | undefined)?.handler;
  if (typeof handler === "function") return handler as Handler;
  throw new TrueupError("INVALID_FUNCTION", `${path} must export a query by default.`, { path });
}
