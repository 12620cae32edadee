/** A client of the sync protocol that says what it is told to say, and the small app that it talks to. */
import { actionGeneric, internalQueryGeneric, mutationGeneric, queryGeneric } from "convex/server";
import { ConvexError, v } from "convex/values";
import { memory, openBackend, type Backend } from "trueup";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { WebSocket } from "ws";
import { startServer, type RunningServer } from "../../src/server/index.js";
import type { ServerMessage, StateVersion } from "../../src/server/sync/server-messages.js";

export const adminKey = "trueup|secret";
export const sessionId = "8c4dd0a1-7f5c-4c3a-8a55-1d2c3b4a5f60";

const functions = {
  insert: mutationGeneric({
    args: { n: v.number() },
    handler: async (ctx, { n }) => void (await ctx.db.insert("items", { n })),
  }),
  refuse: mutationGeneric({
    args: {},
    handler: async () => {
      throw new ConvexError("refused");
    },
  }),
  list: queryGeneric({
    args: {},
    handler: async (ctx) => (await ctx.db.query("items").collect()).map((item) => Number(item["n"])),
  }),
  who: queryGeneric({
    args: {},
    handler: async (ctx) => (await ctx.auth.getUserIdentity())?.subject ?? null,
  }),
  secret: internalQueryGeneric({ args: {}, handler: async () => "secret" }),
  /** Two megabytes that are others after each insert. */
  large: queryGeneric({
    args: {},
    handler: async (ctx) =>
      `${(await ctx.db.query("items").collect()).length} ${"x".repeat(2 * 1024 * 1024)}`,
  }),
  echo: actionGeneric({ args: { text: v.string() }, handler: async (_ctx, { text }) => text }),
  act: actionGeneric({ args: {}, handler: async () => "acted" }),
};

/** The app of the test that runs. */
export let backend: Backend;
export let server: RunningServer;
/** The sockets of all peers of the test, in their order. */
export const opened: WebSocket[] = [];

/** Opens an app for each test of a file, and closes it afterwards. Call it at the top of the file. */
export function openForEachTest(): void {
  beforeEach(async () => {
    backend = await openBackend({
      storage: memory(),
      modules: { "convex/mod.ts": functions },
      log: "silent",
    });
  });
  afterEach(async () => {
    for (const socket of opened.splice(0)) socket.terminate();
    await server.close();
    await backend.close();
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
}

/** A client that says what it is told to say, and notes what it hears. */
export class Peer {
  readonly heard: ServerMessage[] = [];
  /** The code and the reason with which the server closed the connection. */
  readonly closed: Promise<[number, string]>;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    opened.push(socket);
    socket.on("message", (data: Buffer) => this.heard.push(JSON.parse(data.toString()) as ServerMessage));
    this.closed = new Promise((resolve) =>
      socket.on("close", (code: number, reason: Buffer) => resolve([code, reason.toString()])),
    );
  }

  static async connect(path: string = "/api/1.48.0/sync"): Promise<Peer> {
    const peer = new Peer(new WebSocket(server.url.replace("http", "ws") + path));
    await new Promise((resolve) => peer.#socket.on("open", resolve));
    return peer;
  }

  say(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  hello(): void {
    this.say({ type: "Connect", sessionId, connectionCount: 0, lastCloseReason: null });
  }

  call(type: "Mutation" | "Action", requestId: number, udfPath: string, args: unknown = {}): void {
    this.say({ type, requestId, udfPath, args: [args] });
  }

  /** Changes the set of queries from one version to the next. */
  watch(baseVersion: number, ...modifications: readonly object[]): void {
    this.say({ type: "ModifyQuerySet", baseVersion, newVersion: baseVersion + 1, modifications });
  }

  /** Everything heard, once it is so many messages. */
  async until(count: number): Promise<readonly ServerMessage[]> {
    // oxlint-disable-next-line vitest/no-standalone-expect -- waits as long as the project says
    await expect.poll(() => this.heard.length).toBeGreaterThanOrEqual(count);
    return this.heard;
  }
}

/** A modification that adds a query of the app. */
export const add = (queryId: number, udfPath: string): object => ({
  type: "Add",
  queryId,
  udfPath,
  args: [{}],
});

export function transitions(
  heard: readonly ServerMessage[],
): Extract<ServerMessage, { type: "Transition" }>[] {
  return heard.flatMap((message) => (message.type === "Transition" ? [message] : []));
}

/** The commit of a timestamp as clients get it. */
export function commitOf({ ts }: Pick<StateVersion, "ts">): bigint {
  return Buffer.from(ts, "base64").readBigUInt64LE();
}

/** Starts the server, on the backend as it is by then. */
export async function start(): Promise<void> {
  server = await startServer(backend, { port: 0, adminKeys: [adminKey] });
}
