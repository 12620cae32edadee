/**
 * Opens the port for HTTP and WebSocket connections, on this machine only unless the options say otherwise. The request handler
 * answers the former, the sync server the latter.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Backend } from "../backend/index.js";
import { TrueupError } from "../errors/index.js";
import { logStrayFailures } from "../functions/index.js";
import { RequestHandler } from "./http/request-handler.js";
import { siteUrlOf } from "./routes/http-actions.js";
import { SyncServer } from "./sync/sync-server.js";

export interface ServerOptions {
  /** The port to listen on; 0 takes a free one. */
  readonly port: number;
  /** The address to listen on; 127.0.0.1, so only this machine, when it is left out. */
  readonly host?: string;
  /** The key of admins, who may do everything. */
  readonly adminKey: string;
  /** Takes failures of the server itself; standard error when it is left out. */
  readonly log?: (line: string) => void;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** Takes no more requests, gives those under way four seconds to end, and closes. Idempotent. */
  close(): Promise<void>;
}

const patienceMs = 4_000;

/** Starts a server for a backend, and resolves when it listens. @throws PORT_IN_USE */
export async function startServer(backend: Backend, options: ServerOptions): Promise<RunningServer> {
  const host = options.host ?? "127.0.0.1";
  const log = options.log ?? ((line: string): void => console.error(line));
  const handler = new RequestHandler({ backend, adminKey: options.adminKey, log });
  const server = createServer((request, response) => void handler.handle(request, response));
  const port = await listen(server, options.port, host);
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  handler.serverUrl = url;
  const sync = new SyncServer(backend, url, options.adminKey);
  sync.attach(server);
  const stopLogging = logStrayFailures(log);
  const withdrawUrls = publishUrls({ CONVEX_CLOUD_URL: url, CONVEX_SITE_URL: siteUrlOf(url) });
  let closing: Promise<void> | null = null;
  return {
    url,
    port,
    close: () => {
      withdrawUrls();
      stopLogging();
      closing ??= closeServer(server, handler, sync);
      return closing;
    },
  };
}

/** Puts the server's addresses into the environment of functions. A variable that is set already stays as it is. */
function publishUrls(urls: Readonly<Record<string, string>>): () => void {
  const names = Object.keys(urls).filter((name) => process.env[name] === undefined);
  for (const name of names) process.env[name] = urls[name];
  return () => {
    for (const name of names.splice(0)) delete process.env[name];
  };
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
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  sync.close();
  const force = setTimeout(() => {
    sync.terminate();
    server.closeAllConnections();
  }, patienceMs);
  await closed;
  clearTimeout(force);
  sync.release();
}
