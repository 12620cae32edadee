import { BaseConvexClient, ConvexClient, ConvexHttpClient } from "convex/browser";
import {
  internalQueryGeneric,
  makeFunctionReference,
  mutationGeneric,
  paginationOptsValidator,
  queryGeneric,
  actionGeneric,
  type FunctionReference,
  type PaginationResult,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { memory, openBackend, type Backend } from "../../backend/index.js";
import { startServer, type RunningServer } from "../index.js";

const adminKey = "trueup|secret";

const functions = {
  insert: mutationGeneric({ args: { n: v.number() }, handler: (ctx, args) => ctx.db.insert("items", args) }),
  insertPair: mutationGeneric({
    args: {},
    handler: async (ctx) => {
      await ctx.db.insert("left", {});
      await ctx.db.insert("right", {});
    },
  }),
  countLeft: queryGeneric({
    args: {},
    handler: async (ctx) => (await ctx.db.query("left").collect()).length,
  }),
  countRight: queryGeneric({
    args: {},
    handler: async (ctx) => (await ctx.db.query("right").collect()).length,
  }),
  list: queryGeneric({
    args: {},
    handler: async (ctx) => (await ctx.db.query("items").collect()).map((item) => Number(item["n"])),
  }),
  page: queryGeneric({
    args: { paginationOpts: paginationOptsValidator },
    handler: (ctx, { paginationOpts }) => ctx.db.query("items").order("desc").paginate(paginationOpts),
  }),
  refuse: mutationGeneric({
    args: {},
    handler: async () => {
      throw new ConvexError({ reason: "refused" });
    },
  }),
  atMost: queryGeneric({
    args: { limit: v.number() },
    handler: async (ctx, { limit }) => {
      const { length } = await ctx.db.query("items").collect();
      if (length > limit) throw new ConvexError({ length });
      return length;
    },
  }),
  act: actionGeneric({
    args: {},
    handler: async (ctx): Promise<unknown> => ctx.runQuery(makeFunctionReference<"query">("mod:list")),
  }),
  secret: internalQueryGeneric({ args: {}, handler: async () => "secret" }),
};
type Arguments = Record<string, unknown>;
type Query = FunctionReference<"query", "public", Arguments, unknown>;

const query = (name: keyof typeof functions): Query => makeFunctionReference(`mod:${name}`);
const mutation = (
  name: keyof typeof functions,
): FunctionReference<"mutation", "public", Arguments, unknown> => makeFunctionReference(`mod:${name}`);

const list = query("list");
const insert = mutation("insert");

/** What the official CLI uses of a client beside its public methods. */
interface AdminClient {
  setAdminAuth(key: string): void;
  localQueryResultByToken(token: unknown): unknown;
}

const webSocketConstructor = WebSocket as unknown as typeof globalThis.WebSocket;

let backend: Backend;
let server: RunningServer;
const opened: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  backend = await openBackend({ storage: memory(), modules: { "convex/mod.ts": functions }, log: "silent" });
  server = await startServer(backend, { port: 0, adminKeys: [adminKey] });
});
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
  await server.close();
  await backend.close();
});

function connect(): ConvexClient {
  const client = new ConvexClient(server.url, { webSocketConstructor, logger: false });
  opened.push(() => client.close());
  return client;
}

/** Everything that a query has been told to be, in order. */
function watch(client: ConvexClient, query: Query, args: Arguments = {}): unknown[] {
  const seen: unknown[] = [];
  client.onUpdate(
    query,
    args,
    (value) => seen.push(value),
    (error) => seen.push(error),
  );
  return seen;
}

test("a query is told again after each mutation that changes it, and not after others", async () => {
  const client = connect();
  const seen = watch(client, list);
  await expect.poll(() => seen).toEqual([[]]);
  await client.mutation(insert, { n: 1 });
  expect(seen).toEqual([[], [1]]);
  await client.mutation(mutation("insertPair"), {});
  await client.mutation(insert, { n: 2 });
  expect(seen).toEqual([[], [1], [1, 2]]);
});

test("what another client, or the process itself, writes is told too", async () => {
  const seen = watch(connect(), list);
  await expect.poll(() => seen).toEqual([[]]);
  await new ConvexHttpClient(server.url, { logger: false }).mutation(insert, { n: 1 });
  await expect.poll(() => seen).toEqual([[], [1]]);
  await backend.mutation(makeFunctionReference<"mutation">("mod:insert"), { n: 2 });
  await expect.poll(() => seen).toEqual([[], [1], [1, 2]]);
});

test("two queries never show half of a mutation", async () => {
  const client = connect();
  const shown: unknown[] = [];
  const left = watch(client, query("countLeft"));
  const right = watch(client, query("countRight"));
  client.client.addOnTransitionHandler(() => {
    shown.push([left.at(-1) ?? 0, right.at(-1) ?? 0]);
  });
  const insertPair = (): Promise<unknown> => backend.run({ path: "mod:insertPair", allowInternal: true });
  for (let round = 0; round < 10; round++) await Promise.all([insertPair(), insertPair(), insertPair()]);
  await expect.poll(() => [left.at(-1), right.at(-1)]).toEqual([30, 30]);
  for (const pair of shown) expect(pair).toEqual([(pair as number[])[0], (pair as number[])[0]]);
});

test("mutations of one client run in their order; what they throw arrives with its data", async () => {
  const client = connect();
  const numbers = Array.from({ length: 20 }, (_, n) => n);
  await Promise.all(numbers.map((n) => client.mutation(insert, { n })));
  expect(await client.query(list, {})).toEqual(numbers);
  await expect(client.mutation(mutation("refuse"), {})).rejects.toMatchObject({
    data: { reason: "refused" },
  });
  await expect(client.mutation(insert, { n: "x" })).rejects.toThrow(/ArgumentValidationError/);
  expect(await client.action(makeFunctionReference<"action">("mod:act"), {})).toEqual(numbers);
});

test("a query that fails is told, and told again when what it read changes", async () => {
  const client = connect();
  const seen = watch(client, query("atMost"), { limit: 1 });
  await client.mutation(insert, { n: 1 });
  await client.mutation(insert, { n: 2 });
  await expect.poll(() => seen.at(-1)).toMatchObject({ data: { length: 2 } });
  await client.mutation(insert, { n: 3 });
  await expect.poll(() => seen.at(-1)).toMatchObject({ data: { length: 3 } });
});

test("a page ends where it ended when it was read first, whatever comes before it", async () => {
  for (let n = 0; n < 6; n++) await backend.run({ path: "mod:insert", args: { n }, allowInternal: true });
  const client = connect();
  const paginationOpts = { numItems: 2, cursor: null };
  const seen = watch(client, query("page"), { paginationOpts });
  const numbers = (): unknown[] => (seen.at(-1) as PaginationResult<{ n: number }>).page.map(({ n }) => n);
  await expect.poll(() => seen.length).toBe(1);
  expect(numbers()).toEqual([5, 4]);
  await client.mutation(insert, { n: 6 });
  expect(numbers()).toEqual([6, 5, 4]);
});

test("internal functions are not there for clients without the key", async () => {
  const seen = watch(connect(), query("secret"));
  await expect.poll(() => String(seen[0])).toMatch(/Could not find public function/);
});

test("an admin sees internal functions and the system's own; others are told so", async () => {
  const read = async (key: string | null, name: string): Promise<unknown> =>
    await new Promise((resolve) => {
      const client = new BaseConvexClient(
        server.url,
        ([token]) => {
          try {
            resolve(admin.localQueryResultByToken(token));
          } catch (error) {
            resolve(error);
          }
        },
        { webSocketConstructor, unsavedChangesWarning: false, logger: false },
      );
      const admin = client as unknown as AdminClient;
      opened.push(() => client.close());
      if (key !== null) admin.setAdminAuth(key);
      client.subscribe(name, {});
    });
  expect(await read(adminKey, "mod:secret")).toBe("secret");
  expect(await read(adminKey, "_system/cli/tables")).toMatchObject({ isDone: true });
  expect(String(await read(null, "_system/cli/tables"))).toMatch(
    /You do not have permission to perform this operation/,
  );
  expect(String(await read("wrong", "_system/cli/tables"))).toMatch(/You do not have permission/);
});

test("a client that lost its connection goes on, and its mutation runs once", async () => {
  const client = connect();
  const seen = watch(client, list);
  await expect.poll(() => seen).toEqual([[]]);
  await server.close();
  const inserted = client.mutation(insert, { n: 1 });
  server = await startServer(backend, { port: server.port, adminKeys: [adminKey] });
  await inserted;
  await expect.poll(() => seen.at(-1)).toEqual([1]);
});

test.each([
  ["no JSON", "{"],
  ["no message", '{"type":"Nonsense"}'],
  [
    "a version that does not follow",
    '{"type":"ModifyQuerySet","baseVersion":5,"newVersion":6,"modifications":[]}',
  ],
])("a message that is %s ends the connection for good", async (_what, text) => {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/1.48.0/sync`);
  const received: unknown[] = [];
  socket.on("message", (data: Buffer) => received.push(JSON.parse(data.toString())));
  socket.on("open", () => socket.send(text));
  const code = await new Promise((resolve) => socket.on("close", resolve));
  expect([code, received]).toEqual([1008, [{ type: "FatalError", error: expect.any(String) }]]);
});

test("a mutation sent again under the same id is answered again and not run again", async () => {
  const send = async (): Promise<unknown> => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/1.48.0/sync`);
    const answer = new Promise((resolve) => {
      socket.on("message", (data: Buffer) => {
        const message = JSON.parse(data.toString()) as { type: string };
        if (message.type === "MutationResponse") resolve(message);
      });
    });
    await new Promise((resolve) => socket.on("open", resolve));
    const sessionId = "8c4dd0a1-7f5c-4c3a-8a55-1d2c3b4a5f60";
    socket.send(
      JSON.stringify({ type: "Connect", sessionId, connectionCount: 0, lastCloseReason: null, clientTs: 0 }),
    );
    socket.send(JSON.stringify({ type: "Mutation", requestId: 7, udfPath: "mod:insert", args: [{ n: 1 }] }));
    const answered = await answer;
    socket.close();
    return answered;
  };
  expect(await send()).toEqual(await send());
  expect(await new ConvexHttpClient(server.url).query(list, {})).toEqual([1]);
});

test("other WebSocket paths are refused", async () => {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/elsewhere`);
  const error = await new Promise((resolve) => socket.on("error", resolve));
  expect(String(error)).toMatch(/404/);
});
