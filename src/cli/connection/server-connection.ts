/** A connection that calls a running server over HTTP. The admin key opens internal functions and those of components too. */
import { convexToJson, jsonToConvex, type Value } from "convex/values";
import type { ExaminedComponent } from "../../deploy/index.js";
import { errorCodes, isErrorCode, TrueupError } from "../../errors/index.js";
import type { AdminKey, AggregateOverview, VerifyReport, SchemaChanges } from "../../backend/index.js";
import type {
  AggregateWork,
  CallOutcome,
  Connection,
  ExamineRequest,
  FunctionCall,
  KeyWork,
  ScheduledWork,
} from "./connection.js";

export class ServerConnection implements Connection {
  readonly serverUrl: string;
  readonly workers: string;
  readonly aggregates: AggregateWork = {
    list: async () => (await this.#askAggregates("list", {})) as AggregateOverview[],
    resume: async (name) => void (await this.#askAggregates("resume", { name })),
    startVerify: async (name, options) =>
      (await this.#askAggregates("verify", { name, ...options })) as string,
    report: async (name, runId, cursor) =>
      (await this.#askAggregates("report", { name, runId, cursor })) as VerifyReport | null,
  };
  readonly keys: KeyWork = {
    list: async () => (await this.#post("/api/trueup/keys/list", {})) as AdminKey[],
    add: async (name) => (await this.#post("/api/trueup/keys/add", { name })) as string,
    revoke: async (name) => void (await this.#post("/api/trueup/keys/revoke", { name })),
  };
  readonly #adminKey: string;
  readonly #log: (line: string) => void;

  constructor(serverUrl: string, adminKey: string, log: (line: string) => void) {
    this.#log = log;
    this.serverUrl = serverUrl;
    this.workers = serverUrl;
    this.#adminKey = adminKey;
  }

  async call(call: FunctionCall): Promise<CallOutcome> {
    const body = {
      path: call.path,
      args: convexToJson(call.args),
      format: "convex_encoded_json",
      ...(call.componentPath === "" ? {} : { componentPath: call.componentPath }),
    };
    const reply = await this.#post(call.onlyQuery ? "/api/query" : "/api/function", body, call);
    const outcome = readOutcome(reply);
    for (const line of outcome.logLines) this.#log(line);
    return outcome;
  }

  async work(requestId: string): Promise<ScheduledWork> {
    return (await this.#post("/api/trueup/work", { requestId })) as ScheduledWork;
  }

  async examine({ schemas, ...request }: ExamineRequest): Promise<readonly ExaminedComponent[]> {
    const list = [...schemas].map(([componentPath, schema]) => ({
      componentPath,
      schema: schema === null ? null : JSON.stringify(schema),
    }));
    return (await this.#post("/api/trueup/plan", { ...request, schemas: list })) as ExaminedComponent[];
  }

  async schemaChanges(): Promise<SchemaChanges> {
    return (await this.#post("/api/trueup/schema-changes", {})) as SchemaChanges;
  }

  async close(): Promise<void> {}

  async #askAggregates(what: string, request: object): Promise<unknown> {
    const reply = (await this.#post(`/api/trueup/aggregates/${what}`, request)) as Pick<Reply, "value">;
    return jsonToConvex(reply.value ?? null);
  }

  /**
   * Posts a request, and resolves with the answer's body.
   *
   * @throws SERVER_UNREACHABLE when nobody answers; ADMIN_KEY_REFUSED; else the code that the server names, or FUNCTION_FAILED,
   *   when it refuses to run anything.
   */
  async #post(route: string, body: unknown, call?: FunctionCall): Promise<unknown> {
    let response: Response;
    let reply: unknown;
    try {
      response = await fetch(new URL(route, this.serverUrl), {
        method: "POST",
        headers: this.#headers(call),
        body: JSON.stringify(body),
      });
      reply = await response.json();
    } catch (error) {
      throw new TrueupError("SERVER_UNREACHABLE", undefined, { url: this.serverUrl }, error);
    }
    if (response.status === 401 || response.status === 403) {
      throw new TrueupError("ADMIN_KEY_REFUSED", undefined, { url: this.serverUrl });
    }
    if (response.ok || isStatus(reply)) return reply;
    const code = isCoded(reply) && isErrorCode(reply.code) ? reply.code : "FUNCTION_FAILED";
    // The server's message ends with the hint, for callers that know no codes.
    const message = refusal(reply, response.status).replace(` ${errorCodes[code].hint}`, "");
    throw new TrueupError(code, message, { status: response.status });
  }

  #headers(call: FunctionCall | undefined): Record<string, string> {
    const identity = call?.identity;
    const suffix =
      identity === undefined ? "" : `:${Buffer.from(JSON.stringify(identity)).toString("base64")}`;
    return {
      "Content-Type": "application/json",
      Authorization: `Convex ${this.#adminKey}${suffix}`,
      ...(call?.requestId === undefined ? {} : { "Trueup-Request-Id": call.requestId }),
    };
  }
}

interface Reply {
  readonly status: unknown;
  readonly value?: Parameters<typeof jsonToConvex>[0];
  readonly errorMessage?: string;
  readonly errorCode?: string;
  readonly errorData?: Parameters<typeof jsonToConvex>[0];
  readonly logLines?: readonly string[];
}

function isStatus(reply: unknown): reply is Reply {
  return typeof reply === "object" && reply !== null && "status" in reply;
}

function isCoded(reply: unknown): reply is { readonly code: string } {
  return typeof reply === "object" && reply !== null && "code" in reply && typeof reply.code === "string";
}

function readOutcome(reply: unknown): CallOutcome {
  if (!isStatus(reply)) {
    throw new TrueupError("FUNCTION_FAILED", `The server answered ${JSON.stringify(reply)}.`);
  }
  const logLines = reply.logLines ?? [];
  if (reply.status === "success") {
    const value: Value = jsonToConvex(reply.value ?? null);
    return { status: "success", value, logLines };
  }
  return {
    status: "error",
    message: reply.errorMessage ?? "The function failed.",
    ...(isErrorCode(reply.errorCode) ? { code: reply.errorCode } : {}),
    ...(reply.errorData === undefined ? {} : { data: jsonToConvex(reply.errorData) }),
    logLines,
  };
}

function refusal(reply: unknown, status: number): string {
  const said = typeof reply === "object" && reply !== null && "message" in reply ? String(reply.message) : "";
  return said || `The server answered with status ${status}.`;
}
