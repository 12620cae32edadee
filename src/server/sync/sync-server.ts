/**
 * Takes WebSocket connections at `/api/<version>/sync` and gives each a session. All sessions share the live queries, so a query
 * that many clients watch runs once.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { Backend, ServerLimits } from "../../backend/index.js";
import type { Version } from "../../storage/storage.js";
import { isTrueupError } from "../../errors/index.js";
import type { Load } from "../load.js";
import { parseJson } from "../parse-json.js";
import type { Authenticator } from "../auth/authenticator.js";
import type { Visitors } from "../http/visitors.js";
import { parseClientMessage, type ClientMessage } from "./client-messages.js";
import { HttpError } from "../http/http-error.js";
import { InHand } from "./in-hand.js";
import { SyncClient } from "./sync-client.js";
import { SyncSession, type SyncHost } from "./sync-session.js";
import { watchedQueries } from "./watched-queries.js";

/** Clients give up a server that is silent for a minute. */
const pingIntervalMs = 15_000;
/** Arguments may have 16 MiB; base64 and escapes make them longer. */
const maxMessageBytes = 32 * 1024 * 1024;
const syncPath = /^\/api\/(?:[\w.-]+\/)?sync$/;

const tellEveryMs = 60_000;
/** The last moment that a date can have. */
const maxDateMs = 8.64e15;

interface Connection {
  readonly client: SyncClient;
  readonly session: SyncSession;
}

export interface SyncServerOptions {
  readonly authenticator: Authenticator;
  readonly visitors: Visitors;
  readonly limits: ServerLimits;
  readonly load: Load;
  readonly log: (line: string) => void;
}

/** Says now and then that clients have seen what the data does not have: somebody has put it back to an earlier state. */
function laterTeller(log: (line: string) => void): (observed: Version, latest: Version) => void {
  let toldAtMs = -Infinity;
  return (observed, latest) => {
    if (performance.now() - toldAtMs < tellEveryMs) return;
    toldAtMs = performance.now();
    const [seen, has] = [observed, latest].map((us) =>
      new Date(Math.min(us / 1000, maxDateMs)).toISOString(),
    );
    log(
      `A client has seen the data as of ${seen}, but its latest commit is of ${has}: it was put back to an earlier state, which clients are shown now.`,
    );
  };
}

function refuse(socket: Duplex, status: string): void {
  // Nothing else looks after it from here on: neither its errors, nor a caller that never ends its side.
  socket.on("error", () => {});
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

export class SyncServer {
  readonly #host: SyncHost;
  readonly #sockets: WebSocketServer = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxMessageBytes,
  });
  readonly #visitors: Visitors;
  readonly #pings: NodeJS.Timeout;
  readonly #stopWatching: () => void;
  readonly #connections = new Map<WebSocket, Connection>();

  constructor(backend: Backend, serverUrl: string, options: SyncServerOptions) {
    const { authenticator, visitors, limits, load, log } = options;
    const host = { backend, serverUrl };
    const live = watchedQueries(host);
    this.#visitors = visitors;
    this.#host = { ...host, authenticator, live, limits, load, tellOfLater: laterTeller(log) };
    this.#stopWatching = backend.deploy.onActivated(() => live.invalidateAll());
    this.#pings = setInterval(() => this.#ping(), pingIntervalMs);
    this.#pings.unref();
  }

  /** How many clients are connected, what they watch, and how many connections were too many. */
  get figures(): {
    readonly sockets: number;
    readonly watchedQueries: number;
    readonly subscriptions: number;
  } {
    let subscriptions = 0;
    for (const { session } of this.#connections.values()) subscriptions += session.watches;
    const { size: sockets } = this.#connections;
    return { sockets, watchedQueries: this.#host.live.size, subscriptions };
  }

  /** Takes the upgrade requests of a server. */
  attach(server: Server): void {
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const path = (request.url ?? "").split("?")[0] ?? "";
      if (!syncPath.test(path)) return refuse(socket, "404 Not Found");
      try {
        this.#visitors.admit(request.headers);
      } catch {
        return refuse(socket, "403 Forbidden");
      }
      if (this.#connections.size >= this.#host.limits.sockets) {
        this.#host.load.refused.sockets += 1;
        return refuse(socket, "503 Service Unavailable");
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, socket));
    });
  }

  /**
   * Takes no more connections, and ends each when its calls under way are answered. The clients come back when there is a server
   * again.
   */
  close(): void {
    clearInterval(this.#pings);
    this.#sockets.close();
    for (const { session } of this.#connections.values()) void session.end();
  }

  /** Drops the connections of clients that do not answer. */
  terminate(): void {
    for (const socket of this.#connections.keys()) socket.terminate();
  }

  /** Lets go of everything, once all connections have ended. */
  release(): void {
    this.#stopWatching();
    this.#host.live.close();
  }

  #open(socket: WebSocket, stream: Duplex): void {
    const client = new SyncClient(socket);
    const { load, limits } = this.#host;
    const inHand = new InHand(client, load, limits.callsPerSocket);
    const session = new SyncSession(this.#host, client, inHand);
    this.#connections.set(socket, { client, session });
    // Before a message is whole, its bytes are counted as they come.
    stream.prependListener("data", (chunk: Buffer) => {
      client.hear();
      inHand.receive(chunk.length);
    });
    socket.on("message", (data: Buffer) => {
      inHand.endReceiving();
      try {
        const message = readMessage(client, data);
        if (message !== null) session.receive(message, data.length);
      } catch {
        // Whatever goes wrong with one client's message must be nobody else's.
        client.close("InternalServerError");
      }
    });
    socket.on("close", () => {
      inHand.endReceiving();
      this.#connections.delete(socket);
      session.close();
    });
    // A broken connection is also closed, and nothing else has to be done about it.
    socket.on("error", () => {});
  }

  #ping(): void {
    for (const { client } of this.#connections.values()) client.ping();
  }
}

function readMessage(client: SyncClient, data: Buffer): ClientMessage | null {
  try {
    return parseClientMessage(parseJson(data.toString("utf8")));
  } catch (error) {
    if (!isTrueupError(error) && !(error instanceof HttpError)) throw error;
    client.send({ type: "FatalError", error: `Malformed message: ${error.message}` });
    client.close("ProtocolError");
    return null;
  }
}
