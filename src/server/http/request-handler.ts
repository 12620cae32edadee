/**
 * Takes one request from its first byte to its reply: finds its route, reads who makes it and what its body is, and sends what
 * the route answers. Nothing is trusted before the key was checked.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Backend } from "../../backend/index.js";
import { aggregateRoutes } from "../routes/aggregates.js";
import { deploymentRoutes } from "../routes/deployment.js";
import { functionRoutes } from "../routes/functions.js";
import { answerHttpAction, isHttpActionPath, siteUrlOf } from "../routes/http-actions.js";
import { informationRoutes } from "../routes/information.js";
import { inlineQueryRoutes } from "../routes/inline-query.js";
import { logRoutes } from "../routes/logs.js";
import { assertAdminKey, readCaller, type Caller } from "./caller.js";
import { corsHeaders, preflightHeaders } from "./cors.js";
import { HttpError, httpErrorOf, isServerFailure } from "./http-error.js";
import { parseJson, readBody } from "./read-body.js";
import { Router } from "./route.js";

export interface RequestHandlerOptions {
  readonly backend: Backend;
  readonly adminKey: string;
  readonly log: (line: string) => void;
}

const defaultMaxBodyBytes = 1024 * 1024;

const router = new Router([
  ...functionRoutes,
  ...deploymentRoutes,
  ...aggregateRoutes,
  ...logRoutes,
  ...inlineQueryRoutes,
  ...informationRoutes,
]);

export class RequestHandler {
  /** Set once the server listens. */
  serverUrl = "";
  readonly #options: RequestHandlerOptions;
  readonly #underWay = new Set<AbortController>();
  #isClosing = false;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  /** Ends the requests that would wait for long. */
  abort(): void {
    this.#isClosing = true;
    for (const ending of this.#underWay) ending.abort();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const ending = new AbortController();
    this.#underWay.add(ending);
    response.once("close", () => {
      this.#underWay.delete(ending);
      ending.abort();
    });
    try {
      const path = (request.url ?? "/").split("?")[0] ?? "/";
      if (isHttpActionPath(path)) {
        return await answerHttpAction(this.#options.backend, siteUrlOf(this.serverUrl), request, response);
      }
      if (request.method === "OPTIONS") {
        response.writeHead(204, preflightHeaders(request.headers)).end();
        return;
      }
      this.#reply(request, response, 200, await this.#answer(request, ending.signal));
    } catch (error) {
      if (isServerFailure(error)) this.#log(error, request);
      const { status, code, message } = httpErrorOf(error);
      this.#reply(request, response, status, { code, message });
      // The rest of a body that was refused is not worth reading.
      if (!request.complete) request.destroy();
    }
  }

  async #answer(request: IncomingMessage, signal: AbortSignal): Promise<unknown> {
    const { backend, adminKey } = this.#options;
    const { pathname, searchParams } = parseTarget(request.url ?? "/");
    const route = router.find(request.method === "HEAD" ? "GET" : (request.method ?? "GET"), pathname);
    let caller = readCaller(request.headers.authorization, adminKey);
    const body = parseJson(await readBody(request, route.maxBodyBytes ?? defaultMaxBodyBytes));
    if (route.isForAdmins) caller = admitAdmin(caller, body, adminKey);
    return await route.answer({
      backend,
      serverUrl: this.serverUrl,
      caller,
      path: pathname,
      headers: request.headers,
      query: searchParams,
      ip: request.socket.remoteAddress ?? null,
      body,
      signal,
    });
  }

  #reply(request: IncomingMessage, response: ServerResponse, status: number, body: unknown): void {
    if (response.headersSent || response.destroyed) return;
    // A connection that waits for the next request would keep a closing server waiting.
    if (this.#isClosing || !request.complete) response.shouldKeepAlive = false;
    const text = Buffer.from(JSON.stringify(body ?? null));
    response.writeHead(status, {
      ...corsHeaders(request.headers),
      "Content-Type": "application/json",
      "Content-Length": text.length,
    });
    response.end(request.method === "HEAD" ? undefined : text);
  }

  #log(error: unknown, request: IncomingMessage): void {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.log(`${request.method} ${path} failed: ${text}`);
  }
}

/** @throws HttpError 400 when the target is no path */
function parseTarget(target: string): URL {
  const url = `http://localhost${target}`;
  if (!target.startsWith("/") || !URL.canParse(url)) {
    throw new HttpError(400, "BadAddress", "The address of the request is not a path.");
  }
  return new URL(url);
}

/** Lets an admin in. The CLI sends the key in the header, in the body, or in both. @throws HttpError 401, 403 */
function admitAdmin(caller: Caller, body: unknown, adminKey: string): Caller {
  if (caller.kind === "admin") return caller;
  const key = typeof body === "object" && body !== null && "adminKey" in body ? body.adminKey : undefined;
  if (typeof key !== "string") {
    throw new HttpError(401, "MissingAdminKey", "This needs the admin key: `Authorization: Convex <key>`.");
  }
  assertAdminKey(key, adminKey);
  return { kind: "admin", identity: null };
}
