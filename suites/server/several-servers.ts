/** An app on several servers that share a storage, behind a proxy; and official clients that note what they are told. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference, mutationGeneric, queryGeneric, type FunctionReference } from "convex/server";
import { v } from "convex/values";
import { openBackend, type Backend, type OpenStorage } from "trueup";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { startServer, type RunningServer } from "../../src/server/index.js";
import type { ServerMessage } from "../../src/server/sync/server-messages.js";
import { RoundRobin } from "./round-robin.js";

type Arguments = Record<string, unknown>;
type Ref<Kind extends "query" | "mutation"> = FunctionReference<Kind, "public", Arguments, unknown>;

export const add: Ref<"mutation"> = makeFunctionReference("mod:add");
export const amend: Ref<"mutation"> = makeFunctionReference("mod:amend");
export const list: Ref<"query"> = makeFunctionReference("mod:list");
export const count: Ref<"query"> = makeFunctionReference("mod:count");

/** Is waited for by each run of `add`, before it returns, wherever it runs. */
export interface Hold {
  wait: (text: string) => Promise<void>;
}

function functions(hold: Hold): Record<string, unknown> {
  return {
    /** Appends a line, and counts all lines in one document. */
    add: mutationGeneric({
      args: { text: v.string() },
      handler: async (ctx, { text }) => {
        const id = await ctx.db.insert("lines", { text });
        const counter = await ctx.db.query("counters").first();
        const total = Number(counter?.["total"] ?? 0) + 1;
        if (counter === null) await ctx.db.insert("counters", { total });
        else await ctx.db.patch(counter._id, { total });
        await hold.wait(text);
        return { id, total };
      },
    }),
    /** Fails where the line is not there. */
    amend: mutationGeneric({
      args: { id: v.string(), text: v.string() },
      handler: async (ctx, { id, text }) => {
        const known = ctx.db.normalizeId("lines", id);
        if (known === null || (await ctx.db.get(known)) === null) throw new Error("no such line");
        await ctx.db.patch(known, { text });
      },
    }),
    list: queryGeneric({
      args: {},
      handler: async (ctx) => (await ctx.db.query("lines").collect()).map(({ text }) => text as string),
    }),
    count: queryGeneric({
      args: {},
      handler: async (ctx) => Number((await ctx.db.query("counters").first())?.["total"] ?? 0),
    }),
  };
}

export interface Server {
  readonly backend: Backend;
  readonly running: RunningServer;
}

export interface SeveralServers {
  readonly servers: readonly Server[];
  readonly proxy: RoundRobin;
  readonly hold: Hold;
}

export const adminKey = "several|a-key-of-the-tests";

/** Opens the storage once for each server. All of it is closed when the test has finished. */
export async function startSeveral(open: OpenStorage, count: number): Promise<SeveralServers> {
  const hold: Hold = { wait: () => Promise.resolve() };
  const servers: Server[] = [];
  for (let number = 0; number < count; number++) {
    const modules = { "./convex/mod.ts": functions(hold) };
    const backend = await openBackend({ storage: open, modules, log: "silent" });
    onTestFinished(() => backend.close());
    const running = await startServer(backend, { port: 0, adminKeys: [adminKey] });
    onTestFinished(() => running.close());
    servers.push({ backend, running });
  }
  const proxy = await RoundRobin.start(servers.map(({ running }) => running.port));
  onTestFinished(() => proxy.close());
  return { servers, proxy, hold };
}

/** An HTTP client of a server, or of the proxy. */
export function httpClient({ url }: { readonly url: string }): ConvexHttpClient {
  return new ConvexHttpClient(url, { logger: false });
}

/** The official client, with the timestamps of all transitions that it was told of, on whatever connection. */
export interface WatchedClient {
  readonly client: ConvexClient;
  readonly timestamps: readonly bigint[];
}

export function liveClient({ url }: { readonly url: string }): WatchedClient {
  const timestamps: bigint[] = [];
  const note = (data: Buffer): void => {
    const message = JSON.parse(data.toString()) as ServerMessage;
    if (message.type !== "Transition") return;
    timestamps.push(Buffer.from(message.endVersion.ts, "base64").readBigUInt64LE());
  };
  class NotingSocket extends WebSocket {
    constructor(address: string) {
      super(address);
      this.on("message", note);
    }
  }
  const client = new ConvexClient(url, {
    webSocketConstructor: NotingSocket as unknown as typeof globalThis.WebSocket,
    logger: false,
    skipConvexDeploymentUrlCheck: true,
  });
  onTestFinished(() => client.close());
  return { client, timestamps };
}

export function sorted<T extends number | bigint>(values: readonly T[]): T[] {
  return values.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
}
