/** What a server takes on at once, and what becomes of the rest. */
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { actionGeneric, mutationGeneric, queryGeneric } from "convex/server";
import { memory, openBackend, type Backend } from "trueup";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startServer, type RunningServer } from "./index.js";

let release: () => void = () => {};
let running = 0;
const functions = {
  wait: actionGeneric({
    args: {},
    handler: async () => {
      running += 1;
      await new Promise<void>((resolve) => {
        const before = release;
        release = (): void => {
          before();
          resolve();
        };
      });
      running -= 1;
    },
  }),
  add: mutationGeneric({ handler: async (ctx) => void (await ctx.db.insert("rows", {})) }),
  count: queryGeneric({ handler: async (ctx) => (await ctx.db.query("rows").collect()).length }),
};

let backend: Backend;
let server: RunningServer;

beforeEach(async () => {
  release = (): void => {};
  backend = await openBackend({ storage: memory(), modules: { "convex/f.ts": functions }, log: "silent" });
});

afterEach(async () => {
  release();
  await server.close();
  await backend.close();
});

const start = async (limits: object): Promise<void> => {
  server = await startServer(backend, { port: 0, limits });
};

/** A connection that notes what it hears. */
async function connect(): Promise<{
  say: (message: object) => void;
  heard: { type: string; error?: string }[];
  closed: Promise<number>;
  socket: WebSocket;
}> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/1.48.0/sync`);
  const heard: { type: string }[] = [];
  socket.on("message", (data: Buffer) => heard.push(JSON.parse(data.toString()) as { type: string }));
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  const say = (message: object): void => socket.send(JSON.stringify(message));
  say({ type: "Connect", sessionId: crypto.randomUUID() });
  return { say, heard, closed, socket };
}

const call = (path: string, kind: string): Promise<Response> =>
  fetch(`${server.url}/api/${kind}`, { method: "POST", body: JSON.stringify({ path, args: {} }) });

test("requests beyond the limit get 429, and the next ones are answered when those under way are", async () => {
  await start({ requests: 2 });
  const under = [call("f:wait", "action"), call("f:wait", "action")];
  await expect.poll(() => running).toBe(2);
  const refused = await call("f:count", "query");
  expect([refused.status, await refused.json()]).toMatchObject([429, { code: "TooManyRequests" }]);
  release();
  expect((await Promise.all(under)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await call("f:count", "query")).status).toBe(200);
});

test("a connection beyond the limit is refused, and taken when there is room", async () => {
  await start({ sockets: 1 });
  const first = await connect();
  await expect(connect()).rejects.toThrow("503");
  first.socket.terminate();
  await expect
    .poll(() =>
      connect().then(
        () => "taken",
        () => "refused",
      ),
    )
    .toBe("taken");
});

test("a connection that watches more queries than it may is ended with an error; one that gives some back is not", async () => {
  await start({ queriesPerSocket: 3 });
  const add = (queryId: number): object => ({
    type: "Add",
    queryId,
    udfPath: "f:count",
    args: [{ queryId }],
  });
  const { say, heard, closed } = await connect();
  say({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [add(1), add(2), add(3)] });
  const remove = { type: "Remove", queryId: 1 };
  say({ type: "ModifyQuerySet", baseVersion: 1, newVersion: 2, modifications: [remove, add(4)] });
  await expect.poll(() => heard.some(({ type }) => type === "Transition")).toBe(true);
  say({ type: "ModifyQuerySet", baseVersion: 2, newVersion: 3, modifications: [add(5)] });
  expect(await closed).toBe(1008);
  expect(heard.at(-1)).toEqual({ type: "FatalError", error: "A connection may watch 3 queries." });
});

test("a connection with as many calls as it may have is not read from until some are answered, and loses none", async () => {
  await start({ callsPerSocket: 5 });
  const { say, heard } = await connect();
  const filler = "x".repeat(64 * 1024);
  for (let requestId = 0; requestId < 60; requestId++) {
    say({ type: "Action", requestId, udfPath: "f:wait", args: [{}], filler });
  }
  await expect.poll(() => running).toBeGreaterThanOrEqual(5);
  await new Promise((resolve) => setTimeout(resolve, 100));
  // What was on its way when the limit was met is heard, too.
  expect(running).toBeLessThan(20);
  const responses = (): number => heard.filter(({ type }) => type === "ActionResponse").length;
  await expect
    .poll(
      () => {
        release();
        return responses();
      },
      { timeout: 10_000 },
    )
    .toBe(60);
});

test("messages that are never whole are bounded in all: whoever adds to them is ended, and the others are served", async () => {
  await start({ bytes: 1024 * 1024 });
  const port = Number(new URL(server.url).port);
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", key];
  const ended = Array.from({ length: 4 }, async () => {
    const greedy = createConnection(port, "127.0.0.1").on("error", () => {});
    greedy.write(["GET /api/sync HTTP/1.1", "Host: localhost", ...upgrade, "", ""].join("\r\n"));
    // The head of a frame of 16 MiB, of which a part comes.
    greedy.write(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4]));
    greedy.write(Buffer.alloc(512 * 1024));
    await new Promise((resolve) => greedy.on("close", resolve).resume());
  });
  await Promise.race(ended);
  const modest = await connect();
  modest.say({ type: "Mutation", requestId: 0, udfPath: "f:add", args: [{}] });
  await expect.poll(() => modest.heard.some(({ type }) => type === "MutationResponse")).toBe(true);
  expect((await call("f:count", "query")).status).toBe(200);
});

test("bodies are bounded in all: one more that is large gets 429, and a small one is answered", async () => {
  await start({ bytes: 1024 * 1024 });
  const port = Number(new URL(server.url).port);
  const half = createConnection(port, "127.0.0.1").on("error", () => {});
  const head = ["POST /api/query HTTP/1.1", "Host: localhost", "Content-Length: 9000000", "", ""].join(
    "\r\n",
  );
  half.write(head + " ".repeat(900 * 1024));
  const authorization = `Convex ${await backend.keys.add("metrics")}`;
  const inHand = async (): Promise<number> => {
    const text = await (await fetch(`${server.url}/metrics`, { headers: { authorization } })).text();
    return Number(/^trueup_bytes_in_hand (\d+)$/m.exec(text)?.[1]);
  };
  await expect.poll(inHand).toBeGreaterThanOrEqual(900 * 1024);
  const large = JSON.stringify({ path: "f:count", args: {}, filler: "x".repeat(200 * 1024) });
  const status = async (): Promise<number> =>
    (await fetch(`${server.url}/api/query`, { method: "POST", body: large })).status;
  expect(await status()).toBe(429);
  expect((await call("f:count", "query")).status).toBe(200);
  half.destroy();
  await expect.poll(status).toBe(200);
});

test("calls of all connections are bounded: who adds to them is ended, who has only a few is served", async () => {
  await start({ calls: 40 });
  const greedy = await connect();
  for (let requestId = 0; requestId < 60; requestId++) {
    greedy.say({ type: "Action", requestId, udfPath: "f:wait", args: [{}] });
  }
  expect([1006, 1013]).toContain(await greedy.closed);
  const modest = await connect();
  modest.say({ type: "Mutation", requestId: 0, udfPath: "f:add", args: [{}] });
  await expect.poll(() => modest.heard.some(({ type }) => type === "MutationResponse")).toBe(true);
});

test("one message that breaks the server's own code ends its connection alone", async () => {
  await start({});
  const deep = `${'{"a":['.repeat(2_500)}1${"]}".repeat(2_500)}`;
  const add = { type: "Add", queryId: 1, udfPath: "f:count", args: ["deep"] };
  const watch = { type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [add] };
  const { socket, heard, closed } = await connect();
  socket.send(JSON.stringify(watch).replace('"deep"', deep));
  expect(await closed).toBe(1008);
  expect(heard.at(-1)).toMatchObject({ type: "FatalError", error: expect.stringContaining("512 deep") });
  expect((await call("f:count", "query")).status).toBe(200);
});

test("a request that does not say what it wants is ended, and a connection beyond the limit is dropped", async () => {
  await start({ connections: 2 });
  const port = Number(new URL(server.url).port);
  const open = (): Socket => createConnection(port, "127.0.0.1").on("error", () => {});
  const [first, second] = [open(), open()];
  await Promise.all([first, second].map((socket) => once(socket, "connect")));
  await once(open().resume(), "close");
  first.destroy();
  second.destroy();
  await expect
    .poll(() =>
      call("f:count", "query").then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(200);
});
