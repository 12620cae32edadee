/**
 * The server's own queries, by which the official CLI looks at a deployment: its functions, tables, documents, environment
 * variables and components. They are called like functions of the app, by names that begin with `_system/`. Each reads in a
 * transaction, so all of them can be watched.
 */
import type { Value } from "convex/values";
import type { Backend, FunctionSpec } from "../../backend/index.js";
import type { QueryTransaction } from "../../database/index.js";
import { httpRoutes, readEnvironment } from "../../deploy/index.js";
import { HttpError } from "../http/http-error.js";
import { isTrueupError, shown } from "../../errors/index.js";
import { catchUp, type StorageSnapshot } from "../../storage/storage.js";
import type { QueryRun } from "../../subscriptions/index.js";
import type { FunctionReply } from "./function-reply.js";
import { isOutage } from "./outage.js";
import { encodeValue, type ValueFormat } from "./value-format.js";

interface SystemContext {
  readonly backend: Backend;
  readonly serverUrl: string;
  readonly tx: QueryTransaction;
  /** "" is the app. */
  readonly componentPath: string;
}

type Arguments = Readonly<Record<string, Value | undefined>>;

type SystemQuery = (context: SystemContext, args: Arguments) => Promise<Value>;

/** The queries by name: `cli/tables`, `cli/modules:apiSpec`. */
const systemQueries: Readonly<Record<string, SystemQuery>> = {
  "cli/convexUrl:cloudUrl": async ({ serverUrl }) => serverUrl,
  "cli/modules:apiSpec": async ({ backend, componentPath }) => [
    ...backend.program
      .functions()
      .filter((fn) => fn.componentPath === componentPath)
      .map(functionSpec),
    ...(httpRoutes(backend.program.component(componentPath)) ?? []).map((route) => ({
      functionType: "HttpAction",
      ...route,
    })),
  ],
  "cli/queryEnvironmentVariables": async ({ tx }) =>
    Object.entries(await readEnvironment(tx)).map(([name, value]) => ({ name, value })),
  "cli/queryEnvironmentVariables:get": async ({ tx }, args) => {
    const name = text(args, "name");
    const value = (await readEnvironment(tx))[name];
    return value === undefined ? null : { name, value };
  },
  "cli/queryTable": async ({ tx, componentPath }, args) =>
    JSON.stringify(await tx.component(componentPath).counts(text(args, "tableName"))),
  "cli/tableData": tableData,
  "cli/tables": async ({ tx, componentPath }) => ({
    page: tx
      .component(componentPath)
      .tables()
      .map((name) => ({ name })),
    isDone: true,
    continueCursor: "",
  }),
  "cli/tableSize": async ({ tx, componentPath }, args) =>
    await tx.component(componentPath).count(text(args, "tableName")),
  "frontend/components:list": async ({ backend }) =>
    [...backend.program.components.keys()].toSorted().map((path) => ({
      id: path,
      path,
      name: path.split("/").at(-1) ?? "",
      state: "active",
    })),
};

async function tableData({ tx, componentPath }: SystemContext, args: Arguments): Promise<Value> {
  const tableName = text(args, "table");
  const reader = tableName.startsWith("_") ? tx.system(componentPath) : tx.component(componentPath);
  if (!reader.tables().includes(tableName)) {
    throw new HttpError(400, "TABLE_NOT_FOUND", `There is no table "${tableName}".`);
  }
  const options = args["paginationOpts"] as { cursor?: unknown; numItems?: unknown } | undefined;
  const { page, isDone, continueCursor } = await reader.page(
    {
      source: { type: "FullTableScan", tableName, order: args["order"] === "asc" ? "asc" : "desc" },
      operators: [],
    },
    {
      cursor: typeof options?.cursor === "string" ? options.cursor : null,
      numItems: typeof options?.numItems === "number" ? options.numItems : 100,
    },
  );
  return { page, isDone, continueCursor };
}

function functionSpec({ path, kind, visibility, args, returns }: FunctionSpec): Value {
  const [modulePath = "", exportName = ""] = path.split(":");
  return {
    identifier: `${modulePath}.js:${exportName}`,
    functionType: { query: "Query", mutation: "Mutation", action: "Action" }[kind],
    visibility: { kind: visibility },
    args: JSON.parse(JSON.stringify(args)) as Value,
    returns: JSON.parse(JSON.stringify(returns ?? { type: "any" })) as Value,
  };
}

function text(args: Arguments, name: string): string {
  const value = args[name];
  if (typeof value !== "string") throw new HttpError(400, "BadArguments", `\`${name}\` must be a string.`);
  return value;
}

const prefix = "_system/";

interface SystemCall {
  readonly backend: Backend;
  readonly serverUrl: string;
  readonly componentPath: string;
  readonly path: string;
  readonly args: Value;
  readonly format: ValueFormat;
  readonly snapshot: StorageSnapshot | undefined;
}

export function isSystemFunction(path: string): boolean {
  return path.startsWith(prefix);
}

/** Runs one of the server's own queries. The reply tells what goes wrong. @throws STORAGE_UNAVAILABLE, SNAPSHOT_TOO_OLD */
export async function runSystemQuery(call: SystemCall): Promise<QueryRun<FunctionReply>> {
  const { backend, serverUrl, componentPath, format, snapshot } = call;
  const name = call.path
    .slice(prefix.length)
    .replace(/\.js(?=:|$)/, "")
    .replace(/:default$/, "");
  const query = systemQueries[name];
  const catching = snapshot === undefined ? catchUp(backend.database.storage) : undefined;
  if (catching !== undefined) await catching;
  const before = (snapshot ?? backend.database.storage).version;
  if (query === undefined) {
    const errorMessage = `The system function ${shown(call.path)} is not something that this server has yet.`;
    return { outcome: failure(errorMessage, "FEATURE_NOT_SUPPORTED"), version: before, readSet: null };
  }
  const args =
    typeof call.args === "object" && call.args !== null && !Array.isArray(call.args) ? call.args : {};
  try {
    const { value, version, readSet } = await backend.database.query(
      (tx) => query({ backend, serverUrl, tx, componentPath }, args as Record<string, Value>),
      { limits: null, snapshot },
    );
    const outcome: FunctionReply = { status: "success", value: encodeValue(value, format), logLines: [] };
    return { outcome, version, readSet };
  } catch (error) {
    if (isOutage(error) || !(isTrueupError(error) || error instanceof HttpError)) throw error;
    return { outcome: failure(error.message, error.code), version: before, readSet: null };
  }
}

function failure(errorMessage: string, errorCode: string): FunctionReply {
  return { status: "error", errorMessage, errorCode, logLines: [] };
}
