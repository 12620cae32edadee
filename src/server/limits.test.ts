/** What a server takes on at once, and what becomes of the rest. */
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
