/**
 * Opens the port for HTTP and WebSocket connections, on this machine only unless the options say otherwise. The request handler
 * answers the former, the sync server the latter.
 */
import { once } from "node:events";
import { createServer, type Server, type ServerOptions as HttpServerOptions } from "node:http";
import type { AddressInfo } from "node:net";
import type { Backend, RunningServer, ServerOptions } from "../backend/index.js";
import { TrueupError } from "../errors/index.js";
import { logStrayFailures, type AuthProvider } from "../functions/index.js";
import { CallLog } from "./call-log.js";
import { Authenticator } from "./auth/authenticator.js";
import { TokenVerifier } from "./auth/token-verifier.js";
import { Metrics } from "./metrics/metrics.js";
import { isLoopbackHost, Visitors } from "./http/visitors.js";
import { RequestHandler } from "./http/request-handler.js";
import { defaultServerLimits } from "./limits.js";
import { Load } from "./load.js";
import { siteUrlWithin } from "./routes/http-actions.js";
import { SyncServer } from "./sync/sync-server.js";

const noProviders: readonly AuthProvider[] = [];
const patienceMs = 4_000;
/** How long a connection may take to say what it wants. An idle one is kept for longer than proxies keep theirs. */
const timeouts: HttpServerOptions = {
  headersTimeout: 15_000,
  requestTimeout: 120_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
};

/** Starts a server for a backend, and resolves when it listens. @throws PORT_IN_USE, INVALID_OPTIONS */
export async function startServer(backend: Backend, options: ServerOptions): Promise<RunningServer> {
  const host = options.host ?? "127.0.0.1";
  const log = options.log ?? ((line: string): void => console.error(line));
  const tokens = new TokenVerifier(() => backend.program.root.program.auth ?? noProviders);
  const { adminKeys = [], isProduction = false } = options;
  const authenticator = new Authenticator({ adminKeys, keys: backend.keys, tokens, isProduction });
  const isOpen = isProduction || !isLoopbackHost(host);
  const visitors = new Visitors(isOpen ? null : (options.origins ?? []));
  const limits = { ...defaultServerLimits, ...options.limits };
  const load = new Load(limits);
  const calls = new CallLog();
  const metrics: Metrics = new Metrics(backend, () => {
    const { bytes, calls: callsInHand } = load.figures;
    const inHand = { requestsUnderWay: handler.underWay, bytes, calls: callsInHand };
    return { ...sync.figures, ...inHand, refused: load.refused };
  });
  const handler = new RequestHandler({ backend, authenticator, visitors, calls, metrics, limits, load, log });
  const server = createServer(timeouts, (request, response) => void handler.handle(request, response));
  const site = createServer(timeouts, (request, response) => void handler.handleSite(request, response));
  for (const each of [server, site]) each.maxConnections = limits.connections;
  const port = await listen(server, options.port, host);
  // Requests come once the event loop turns, and all that answers them is there by then.
  const url = urlOf(reachable(host), port);
  const serverUrl = options.publicUrl ?? url;
  handler.serverUrl = serverUrl;
  handler.siteUrl = options.publicSiteUrl ?? siteUrlWithin(url);
  const sync = new SyncServer(backend, serverUrl, { authenticator, visitors, limits, load, log });
  sync.attach(server);
  let sitePort: number | null = null;
  if (options.sitePort !== undefined) {
    try {
      sitePort = await listen(site, options.sitePort, host);
      handler.siteUrl = options.publicSiteUrl ?? urlOf(reachable(host), sitePort);
    } catch (error) {
      await closeServers([server], handler, sync);
      throw error;
    }
  }
  const { siteUrl } = handler;
  const stopLogging = logStrayFailures(log);
  const stopWatching = backend.onCallEnded((call) => {
    calls.add(call);
    metrics.add(call);
  });
  const withdrawUrls = publishUrls({ CONVEX_CLOUD_URL: serverUrl, CONVEX_SITE_URL: siteUrl });
  await backend.deploy.updateAddresses().catch((error: unknown) => {
    log(`The app knows the server by the addresses of an earlier start: ${String(error)}`);
  });
  let closing: Promise<void> | null = null;
  return {
    url: serverUrl,
    port,
    sitePort,
    siteUrl,
    localUrl: url,
    close: () => {
      withdrawUrls();
      stopLogging();
      stopWatching();
      closing ??= closeServers([server, site], handler, sync);
      return closing;
    },
  };
}

/** This machine, where every address of it is listened on. */
function reachable(host: string): string {
  return host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
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
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TrueupError("INVALID_OPTIONS", `A port is an integer from 0 to 65535, not ${String(port)}.`);
  }
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

async function closeServers(
  servers: readonly Server[],
  handler: RequestHandler,
  sync: SyncServer,
): Promise<void> {
  handler.abort();
  const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
  for (const server of servers) server.closeIdleConnections();
  sync.close();
  const force = setTimeout(() => {
    sync.terminate();
    for (const server of servers) server.closeAllConnections();
  }, patienceMs);
  await Promise.all(closed);
  clearTimeout(force);
  sync.release();
}
