/**
 * Takes WebSocket connections at `/api/<version>/sync` and gives each a session. All sessions share the live queries, so a query
 * that many clients watch runs once.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { Backend } from "../../backend/index.js";
import { isTrueupError } from "../../errors/index.js";
import { LiveQueries } from "../../subscriptions/index.js";
import type { Authenticator } from "../auth/authenticator.js";
import { errorReply } from "../calls/function-reply.js";
import { runQuery, type QueryCall, type QueryOutcome } from "../calls/run-query.js";
import { AnsweredMutations } from "./answered-mutations.js";
import { parseClientMessage, type ClientMessage } from "./client-messages.js";
import type { ServerMessage } from "./server-messages.js";
import { SyncSession, type SyncHost } from "./sync-session.js";

/** Clients give up a server that is silent for a minute. */
const pingIntervalMs = 15_000;
/** Arguments may have 16 MiB; base64 and escapes make them longer. */
const maxMessageBytes = 32 * 1024 * 1024;
const syncPath = /^\/api\/(?:[\w.-]+\/)?sync$/;

export class SyncServer {
  readonly #host: SyncHost;
  readonly #sockets: WebSocketServer = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes });
  readonly #pings: NodeJS.Timeout;
  readonly #stopWatching: () => void;

  constructor(backend: Backend, serverUrl: string, authenticator: Authenticator) {
    const query = { backend, serverUrl };
    const live = new LiveQueries<QueryCall, QueryOutcome>(
      backend.database,
      async (call, previous) => {
        const version = backend.database.storage.version;
        const journal = previous?.journal ?? call.journal;
        return await runQuery(query, { ...call, journal }).catch((error: unknown) => ({
          outcome: { reply: errorReply(error), journal },
          version,
          readSet: null,
        }));
      },
      (call) => JSON.stringify(call),
    );
    this.#host = { ...query, authenticator, live, answered: new AnsweredMutations() };
    this.#stopWatching = backend.deploy.onActivated(() => live.invalidateAll());
    this.#pings = setInterval(() => this.#ping(), pingIntervalMs);
    this.#pings.unref();
  }

  /** Takes the upgrade requests of a server. */
  attach(server: Server): void {
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const path = (request.url ?? "").split("?")[0] ?? "";
      if (!syncPath.test(path)) {
        socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket));
    });
  }

  /** Ends all connections. The clients come back when there is a server again. */
  close(): void {
    clearInterval(this.#pings);
    this.#stopWatching();
    for (const socket of this.#sockets.clients) socket.close(1001, "ServerShutdown");
    this.#sockets.close();
    this.#host.live.close();
    this.#host.answered.clear();
  }

  /** Drops the connections of clients that do not answer. */
  terminate(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  #open(socket: WebSocket): void {
    const session = new SyncSession(this.#host, {
      send: (message) => send(socket, message),
      close: (reason) => socket.close(reason === "InternalServerError" ? 1011 : 1008, reason),
    });
    socket.on("message", (data: Buffer) => {
      const message = readMessage(socket, data);
      if (message !== null) session.receive(message);
    });
    socket.on("close", () => session.close());
    // A broken connection is also closed, and nothing else has to be done about it.
    socket.on("error", () => {});
  }

  #ping(): void {
    for (const socket of this.#sockets.clients) send(socket, { type: "Ping" });
  }
}

function readMessage(socket: WebSocket, data: Buffer): ClientMessage | null {
  try {
    return parseClientMessage(JSON.parse(data.toString("utf8")));
  } catch (error) {
    if (!isTrueupError(error) && !(error instanceof SyntaxError)) throw error;
    send(socket, { type: "FatalError", error: `Malformed message: ${error.message}` });
    socket.close(1008, "ProtocolError");
    return null;
  }
}

function send(socket: WebSocket, message: ServerMessage): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
}
