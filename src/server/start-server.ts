/**
 * The HTTP server: reads a request, finds who makes it and which route it is for, and writes what the route answers.
 * It listens on this machine only unless told otherwise, and trusts nothing before the key was checked.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Backend } from "../backend/index.js";
import { TrueupError } from "../errors/index.js";
import { assertAdminKey, readCaller, type Caller } from "./http/caller.js";
import { corsHeaders, preflightHeaders } from "./http/cors.js";
import { HttpError, httpErrorOf, isServerFailure } from "./http/http-error.js";
import { parseJson, readBody } from "./http/read-body.js";
import type { Route } from "./http/route.js";
import { Router } from "./http/router.js";
import { deployRoutes } from "./routes/deploy.js";
import { environmentRoutes } from "./routes/environment.js";
import { functionRoutes } from "./routes/functions.js";
import { informationRoutes } from "./routes/information.js";
import { logRoutes } from "./routes/logs.js";
import { unsupportedRoutes } from "./routes/unsupported.js";
import { workRoutes } from "./routes/work.js";
import { SyncServer } from "./sync/sync-server.js";

export interface ServerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** 127.0.0.1 when left out: only this machine. */
  readonly host?: string;
  /** Whoever has it may do everything. */
  readonly adminKey: string;
  /** Where failures of the server itself are told; standard error when left out. */
  readonly log?: (line: string) => void;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** Takes no more requests, gives those under way a few seconds, and closes. Idempotent. */
  close(): Promise<void>;
}

const defaultMaxBodyBytes = 1024 * 1024;
const patienceMs = 5_000;

const routes: readonly Route[] = [
  ...functionRoutes,
  ...deployRoutes,
  ...environmentRoutes,
  ...workRoutes,
  ...logRoutes,
  ...informationRoutes,
  ...unsupportedRoutes,
];

/** @throws PORT_IN_USE */
export async function startServer(backend: Backend, options: ServerOptions): Promise<RunningServer> {
  const host = options.host ?? "127.0.0.1";
  const handler = new RequestHandler(backend, options);
  const server = createServer((request, response) => void handler.handle(request, response));
  const port = await listen(server, options.port, host);
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  handler.serverUrl = url;
  const sync = new SyncServer(backend, url, options.adminKey);
  sync.attach(server);
  let closing: Promise<void> | null = null;
  return {
    url,
    port,
    close: () => {
      closing ??= closeServer(server, handler, sync);
      return closing;
    },
  };
}

class RequestHandler {
  serverUrl = "";
  readonly #backend: Backend;
  readonly #options: ServerOptions;
  readonly #router = new Router(routes);
  readonly #closing = new AbortController();

  constructor(backend: Backend, options: ServerOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  /** Ends what would wait for long. */
  abort(): void {
    this.#closing.abort();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (request.method === "OPTIONS") {
        response.writeHead(204, preflightHeaders(request.headers)).end();
        return;
      }
      reply(request, response, 200, await this.#answer(request, response));
    } catch (error) {
      if (isServerFailure(error)) this.#log(error, request);
      const { status, code, message } = httpErrorOf(error);
      reply(request, response, status, { code, message });
      // What is left of a body that was refused is not worth reading.
      if (!request.complete) request.destroy();
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const { adminKey } = this.#options;
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const route = this.#router.find(request.method === "HEAD" ? "GET" : (request.method ?? "GET"), pathname);
    let caller = readCaller(request.headers.authorization, adminKey);
    const body = parseJson(await readBody(request, route.maxBodyBytes ?? defaultMaxBodyBytes));
    if (route.isForAdmins) caller = admitAdmin(caller, body, adminKey);
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    return await route.answer({
      backend: this.#backend,
      serverUrl: this.serverUrl,
      caller,
      headers: request.headers,
      query: searchParams,
      ip: request.socket.remoteAddress ?? null,
      body,
      signal: AbortSignal.any([gone.signal, this.#closing.signal]),
    });
  }

  #log(error: unknown, request: IncomingMessage): void {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const log = this.#options.log ?? ((line: string): void => console.error(line));
    log(`${request.method} ${path} failed: ${text}`);
  }
}

/** The CLI sends the key in the header, in the body, or in both. */
function admitAdmin(caller: Caller, body: unknown, adminKey: string): Caller {
  if (caller.kind === "admin") return caller;
  const key = typeof body === "object" && body !== null && "adminKey" in body ? body.adminKey : undefined;
  if (typeof key !== "string") {
    throw new HttpError(401, "MissingAdminKey", "This needs the admin key: `Authorization: Convex <key>`.");
  }
  assertAdminKey(key, adminKey);
  return { kind: "admin", identity: null };
}

function reply(request: IncomingMessage, response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const text = Buffer.from(JSON.stringify(body ?? null));
  response.writeHead(status, {
    ...corsHeaders(request.headers),
    "Content-Type": "application/json",
    "Content-Length": text.length,
    ...(request.complete ? {} : { Connection: "close" }),
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    if (
      error instanceof Error &&
      "code" in error &&
      (error.code === "EADDRINUSE" || error.code === "EACCES")
    ) {
      throw new TrueupError(
        "PORT_IN_USE",
        `Cannot listen on ${host}:${port}: ${error.code === "EACCES" ? "it is not allowed" : "another program does"}.`,
        { host, port },
        error,
      );
    }
    throw error;
  }
  return (server.address() as AddressInfo).port;
}

async function closeServer(server: Server, handler: RequestHandler, sync: SyncServer): Promise<void> {
  handler.abort();
  sync.close();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), patienceMs);
  await closed;
  clearTimeout(force);
}
