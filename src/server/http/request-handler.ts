/**
 * Takes one request from its first byte to its reply: finds its route, reads who makes it and what its body is, and sends what
 * the route answers. Nothing is trusted before the key was checked.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Backend, ServerLimits } from "../../backend/index.js";
import { aggregateRoutes } from "../routes/aggregates.js";
import { deploymentRoutes } from "../routes/deployment.js";
import { functionRoutes } from "../routes/functions.js";
import { answerHttpAction, siteTargetOf } from "../routes/http-actions.js";
import { informationRoutes } from "../routes/information.js";
import { inlineQueryRoutes } from "../routes/inline-query.js";
import { keyRoutes } from "../routes/keys.js";
import { logRoutes } from "../routes/logs.js";
import type { Authenticator, Caller } from "../auth/authenticator.js";
import type { CallLog } from "../call-log.js";
import type { Metrics } from "../metrics/metrics.js";
import { corsHeaders, preflightHeaders } from "./cors.js";
import { HttpError, httpErrorOf, isServerFailure } from "./http-error.js";
import { parseJson } from "../parse-json.js";
import { readBody, tooMuch } from "./read-body.js";
import type { Load, Share } from "../load.js";
import type { Visitors } from "./visitors.js";
import { Router, TextReply, type Route } from "./route.js";

export interface RequestHandlerOptions {
  readonly backend: Backend;
  readonly authenticator: Authenticator;
  readonly visitors: Visitors;
  readonly calls: CallLog;
  readonly metrics: Metrics;
  readonly limits: Pick<ServerLimits, "requests">;
  readonly load: Load;
  readonly log: (line: string) => void;
}

const defaultMaxBodyBytes = 1024 * 1024;
/** A caller that takes nothing of its reply for so long is gone. */
const patienceMs = 30_000;
const maxKeyBodyBytes = 64 * 1024;

const router = new Router([
  ...functionRoutes,
  ...deploymentRoutes,
  ...aggregateRoutes,
  ...keyRoutes,
  ...logRoutes,
  ...inlineQueryRoutes,
  ...informationRoutes,
]);

export class RequestHandler {
  /** Set once the server listens. */
  serverUrl = "";
  siteUrl = "";
  readonly #options: RequestHandlerOptions;
  /** Of the requests that may wait for long. */
  readonly #waiting = new Set<AbortController>();
  #isClosing = false;
  #underWay = 0;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  /** How many requests are under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Ends the requests that would wait for long. */
  abort(): void {
    this.#isClosing = true;
    for (const ending of this.#waiting) ending.abort();
  }

  /** Answers a request that came to the server's port. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const siteTarget = siteTargetOf(request.url ?? "/");
    if (siteTarget !== null) return await this.handleSite(request, response, siteTarget);
    await this.#guard(request, response, async (share) => {
      this.#options.visitors.admit(request.headers);
      if (request.method === "OPTIONS") {
        response.writeHead(204, preflightHeaders(request.headers)).end();
        return;
      }
      this.#reply(request, response, 200, await this.#answer(request, response, share), share);
    });
  }

  /** Answers a request that is for the app: one that came to its own port, unless it says otherwise. */
  async handleSite(
    request: IncomingMessage,
    response: ServerResponse,
    target: string = request.url ?? "/",
  ): Promise<void> {
    await this.#guard(request, response, async (share) => {
      parseTarget(target);
      const url = new URL(this.siteUrl).origin + target;
      await answerHttpAction(this.#options, url, request, response, share);
    });
  }

  async #guard(
    request: IncomingMessage,
    response: ServerResponse,
    answer: (share: Share) => Promise<void>,
  ): Promise<void> {
    const { load, limits } = this.#options;
    const share = load.share();
    this.#underWay += 1;
    const { socket } = request;
    response.setTimeout(patienceMs, () => {
      if (socket.writableLength > 0) socket.destroy();
    });
    // Until the caller has taken the reply, or is gone.
    response.once("close", () => {
      this.#underWay -= 1;
      share.clear();
    });
    try {
      if (this.#underWay > limits.requests) {
        load.refused.requests += 1;
        throw tooManyRequests();
      }
      await answer(share);
    } catch (error) {
      if (isServerFailure(error)) this.#log(error, request);
      const { status, code, message } = httpErrorOf(error);
      this.#reply(request, response, status, { code, message });
      // The rest of a body that was refused is not worth reading.
      if (!request.complete) request.destroy();
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, share: Share): Promise<unknown> {
    const { backend, authenticator, calls, metrics } = this.#options;
    const { pathname, searchParams } = parseTarget(request.url ?? "/");
    const route = router.find(request.method === "HEAD" ? "GET" : (request.method ?? "GET"), pathname);
    let caller = await authenticator.caller(request.headers.authorization);
    const isStranger = route.isForAdmins && caller.kind !== "admin";
    const { maxBodyBytes: maxBytes = defaultMaxBodyBytes } = route;
    const limits =
      caller.kind === "admin"
        ? { maxBytes }
        : { maxBytes: Math.min(maxBytes, boundFor(request, route)), share };
    const bytes = await readBody(request, limits);
    const body = route.takesBytes === true ? bytes : parseJson(bytes.toString("utf8"));
    if (isStranger) caller = await admitAdmin(body, authenticator);
    return await route.answer({
      backend,
      serverUrl: this.serverUrl,
      siteUrl: this.siteUrl,
      caller,
      calls,
      metrics,
      path: pathname,
      headers: request.headers,
      query: searchParams,
      ip: request.socket.remoteAddress ?? null,
      body,
      untilGone: () => this.#untilGone(response),
    });
  }

  #untilGone(response: ServerResponse): AbortSignal {
    const ending = new AbortController();
    if (this.#isClosing || response.closed) ending.abort();
    this.#waiting.add(ending);
    response.once("close", () => {
      this.#waiting.delete(ending);
      ending.abort();
    });
    return ending.signal;
  }

  /** @param share Where the reply is counted until the caller has taken it; that of an error is small. */
  #reply(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    body: unknown,
    share?: Share,
  ): void {
    if (response.headersSent || response.destroyed) return;
    // A connection that waits for the next request would keep a closing server waiting.
    if (this.#isClosing || !request.complete) response.shouldKeepAlive = false;
    // As text, which goes out in one piece with the headers.
    const { text, contentType } = body instanceof TextReply ? body : jsonReply(body);
    const bytes = Buffer.byteLength(text);
    if (share?.add(bytes) === false) throw tooMuch();
    response.writeHead(status, {
      ...corsHeaders(request.headers),
      "Content-Type": contentType,
      "Content-Length": bytes,
    });
    response.end(request.method === "HEAD" ? undefined : text);
  }

  #log(error: unknown, request: IncomingMessage): void {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.log(`${request.method} ${path} failed: ${text}`);
  }
}

/** What URLs leave as it is: most requests name nothing else. */
const plainPath = /^\/[\w/]*$/;
const noQuery = new URLSearchParams();

/**
 * How much is read of a body without an admin's key in the header: little for admins, since it may hold the key, and little of
 * what is packed, since no client packs a call and a few bytes may unpack to a thousand times as many.
 */
function boundFor({ headers }: IncomingMessage, { isForAdmins }: Route): number {
  if (isForAdmins) return maxKeyBodyBytes;
  return headers["content-encoding"] === undefined ? Infinity : defaultMaxBodyBytes;
}

function tooManyRequests(): HttpError {
  return new HttpError(
    429,
    "TooManyRequests",
    "The server has as many requests under way as it takes: try again.",
  );
}

function jsonReply(body: unknown): TextReply {
  return new TextReply(JSON.stringify(body ?? null), "application/json");
}

/** @throws HttpError 400 when the target is no path */
function parseTarget(target: string): Pick<URL, "pathname" | "searchParams"> {
  if (plainPath.test(target)) return { pathname: target, searchParams: noQuery };
  const url = `http://localhost${target}`;
  if (!target.startsWith("/") || !URL.canParse(url)) {
    throw new HttpError(400, "BadAddress", "The address of the request is not a path.");
  }
  return new URL(url);
}

/** Lets in who sends the key in a small body. @throws HttpError 401, 403 */
async function admitAdmin(body: unknown, authenticator: Authenticator): Promise<Caller> {
  const key = typeof body === "object" && body !== null && "adminKey" in body ? body.adminKey : undefined;
  if (typeof key !== "string") {
    throw new HttpError(401, "MissingAdminKey", "This needs the admin key: `Authorization: Convex <key>`.");
  }
  return await authenticator.admin(key);
}
