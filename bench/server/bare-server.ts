/**
 * The floor of a server: Node's own HTTP server and `ws` before better-sqlite3 or Redis, written by hand for this one app. It
 * takes the same requests and sends the same JSON. Live queries are a map from rooms to sockets: a room is read once for all
 * who watch it.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { WebSocketServer, type WebSocket } from "ws";
import type { Saying, Score } from "./app.js";
import { openRows, openSortedSet, type Store } from "./bare-store.js";
import type { BareName, Served } from "./peer-names.js";

interface Call {
  readonly udfPath: string;
  readonly args: readonly [Record<string, unknown>];
}

interface Watcher {
  readonly socket: WebSocket;
  readonly queryId: number;
}

type Watchers = Map<number, Set<Watcher>>;

/** A server that can be closed, connections and all. */
interface BareServer extends Served {
  readonly close: () => void;
}

export async function serveBare(peer: BareName, folder: string, redisPort: number): Promise<BareServer> {
  const store =
    peer === "bare Node + Redis"
      ? await openSortedSet(redisPort)
      : openRows(folder, peer === "bare, grouped");
  const watchers: Watchers = new Map();
  const server = createServer((request, response) => void answer(store, watchers, request, response));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => void receive(store, watchers, socket, data.toString("utf8")));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    count: () => store.count(),
    latest: (room) => Promise.resolve(void store.latest(room)),
    close: () => {
      sockets.close();
      server.close();
      server.closeAllConnections();
      store.close();
    },
  };
}

async function answer(
  store: Store,
  watchers: Watchers,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const { path, args } = JSON.parse(Buffer.concat(pieces).toString("utf8")) as { path: string } & Call;
  const value = await run(store, watchers, { udfPath: path, args });
  const text = JSON.stringify({ status: "success", value: value ?? null, logLines: [] });
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

async function run(store: Store, watchers: Watchers, { udfPath, args: [args] }: Call): Promise<unknown> {
  switch (udfPath) {
    case "bench:add":
      return store.add(args as unknown as Score);
    case "bench:fill":
      return store.fill(args["scores"] as Score[]);
    case "bench:get":
      return store.get(args["id"] as string);
    case "bench:say": {
      const saying = args as unknown as Saying;
      store.say(saying);
      return tell(store, watchers, saying.rooms);
    }
    default:
      throw new Error(`there is no ${udfPath}`);
  }
}

type Message =
  | { readonly type: "Connect" }
  | { readonly type: "ModifyQuerySet"; readonly modifications: readonly (Call & { queryId: number })[] }
  | ({ readonly type: "Mutation"; readonly requestId: number } & Call);

async function receive(store: Store, watchers: Watchers, socket: WebSocket, text: string): Promise<void> {
  const message = JSON.parse(text) as Message;
  if (message.type === "Connect") return;
  if (message.type === "Mutation") {
    const result = (await run(store, watchers, message)) ?? null;
    const { requestId } = message;
    socket.send(JSON.stringify({ type: "MutationResponse", requestId, success: true, result, logLines: [] }));
    return;
  }
  const updates = message.modifications.map(({ queryId, args: [{ room }] }) => {
    const watching = watchers.get(room as number) ?? new Set();
    watchers.set(room as number, watching.add({ socket, queryId }));
    return updateText(queryId, JSON.stringify(store.latest(room as number)));
  });
  socket.send(transitionText(updates));
}

/** Sends the messages of rooms to all who watch them, each client in one transition. */
function tell(store: Store, watchers: Watchers, rooms: readonly number[]): void {
  const told = new Map<WebSocket, string[]>();
  for (const room of rooms) {
    const value = JSON.stringify(store.latest(room));
    for (const { socket, queryId } of watchers.get(room) ?? []) {
      const updates = told.get(socket) ?? [];
      told.set(socket, updates);
      updates.push(updateText(queryId, value));
    }
  }
  for (const [socket, updates] of told) socket.send(transitionText(updates));
}

function updateText(queryId: number, value: string): string {
  return `{"type":"QueryUpdated","queryId":${queryId},"value":${value},"logLines":[]}`;
}

function transitionText(updates: readonly string[]): string {
  return `{"type":"Transition","id":"${randomUUID()}","modifications":[${updates.join(",")}]}`;
}
