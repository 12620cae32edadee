/** Ten thousand hostile requests of every kind at a server: it answers afterwards, and nothing is left of them. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";

const requests = Number(process.env["TRUEUP_REQUESTS"] ?? 10_000);
const atOnce = 8;
/** What may be left of one round after another one like it: rows, and the answers that are kept for a day. */
const allowedBytes = 3 * 1024 * 1024;

let child: ChildProcess;
let port = 0;
/** What is still connected. */
const sockets = new Set<Socket>();

async function ask<Answer>(question: "figures" | "memory"): Promise<Answer> {
  child.send(question);
  const [answer] = (await once(child, "message")) as [Answer];
  return answer;
}

beforeAll(async () => {
  child = fork(new URL("setup/app-under-attack.js", import.meta.url), { execArgv: ["--expose-gc"] });
  const [started] = (await once(child, "message")) as [{ port: number }];
  ({ port } = started);
});
afterAll(async () => {
  const ended = once(child, "exit");
  child.send("close");
  await ended;
});

/** Sends bytes, and stays connected. */
function open(...parts: readonly (string | Buffer)[]): Socket {
  const socket = connect(port, "127.0.0.1");
  sockets.add(socket);
  socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  for (const part of parts) socket.write(part);
  return socket;
}

/** Sends bytes and waits until the server has said something, or ended the connection. */
async function send(...parts: readonly (string | Buffer)[]): Promise<void> {
  const socket = open(...parts);
  await new Promise<void>((resolve) => {
    socket.once("data", () => resolve()).once("close", () => resolve());
  });
  socket.destroy();
}

function post(path: string, body: string | Buffer, ...headers: readonly string[]): Buffer {
  const length = headers.some((header) => header.startsWith("Content-Length"))
    ? []
    : [Buffer.byteLength(body)];
  const lines = [`POST ${path} HTTP/1.1`, "Host: a", ...length.map((bytes) => `Content-Length: ${bytes}`)];
  return Buffer.concat([Buffer.from([...lines, ...headers, "", ""].join("\r\n")), Buffer.from(body)]);
}

const upgrade = (path: string = "/api/1.48.0/sync"): string =>
  [
    `GET ${path} HTTP/1.1`,
    "Host: a",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
  ]
    .concat("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "")
    .join("\r\n");

/** A WebSocket that says something, and waits until the server has answered or ended the connection. */
async function say(...messages: readonly (string | Buffer)[]): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/1.48.0/sync`);
  await new Promise<void>((resolve) => {
    socket.on("open", () => {
      socket.send(JSON.stringify({ type: "Connect", sessionId: crypto.randomUUID() }));
      for (const message of messages) socket.send(message);
    });
    socket.once("message", () => resolve()).on("close", () => resolve());
    socket.on("error", () => resolve());
  });
  socket.terminate();
}

const watch = (args: unknown, queryId: number = 1): string =>
  JSON.stringify({
    type: "ModifyQuerySet",
    baseVersion: 0,
    newVersion: 1,
    modifications: [{ type: "Add", queryId, udfPath: "f:echo", args: [args] }],
  });
const mutation = (requestId: number, args: unknown = {}): string =>
  JSON.stringify({ type: "Mutation", requestId, udfPath: "f:add", args: [args] });
const call = (path: string, args: string): string => `{"path":${JSON.stringify(path)},"args":${args}}`;

const deepJson = `${'{"a":['.repeat(2_500)}1${"]}".repeat(2_500)}`;
const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024, " "));
const token = (at: number): string =>
  ["{}", `{"iss":"https://none.example","aud":"a${at}","exp":9999999999}`, "x"]
    .map((part) => Buffer.from(part).toString("base64url"))
    .join(".");

/** Each is one hostile request; some leave their connection behind. */
const attacks: Readonly<Record<string, (at: number) => Promise<void> | void>> = {
  "a body that says that it is too large": () => send(post("/api/query", "", "Content-Length: 999999999")),
  "a body without end": () =>
    send(post("/api/update_environment_variables", "", "Content-Length: 999999", "Transfer-Encoding: x")),
  "chunks of more than is allowed": () =>
    send(
      ["POST /api/query_ts HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "", "200000", ""].join("\r\n"),
      Buffer.alloc(0x200000, 32),
    ),
  "a body that never comes": () => void open(post("/api/query", '{"path":', "Content-Length: 1000000")),
  "a body of which half comes": () =>
    void open(post("/api/query", Buffer.alloc(20_000, 32), "Content-Length: 1000000")),
  "a connection that says nothing": () => void open(),
  "half a header": () => void open("GET / HTTP/1.1\r\nHost: a\r\nX-A: "),
  "a request that is none": () => send("\u0000\u0001 nonsense\r\n\r\n"),
  "a header too long": () => send(`GET / HTTP/1.1\r\nHost: a\r\nX-A: ${"x".repeat(40_000)}\r\n\r\n`),
  "a body that is no JSON": () => send(post("/api/query", '{"path": "f:echo", "args":')),
  "JSON that is no call": () => send(post("/api/mutation", "[[[[]]]]")),
  "arguments 5,000 deep": () => send(post("/api/query", call("f:echo", deepJson))),
  "functions that are made up": (at) =>
    send(post("/api/query", call(`f:made-up-${at}${"y".repeat(2_000)}`, "{}"))),
  "a route of admins without a key": () => send(post("/api/deploy2/start_push", "{}")),
  "a route of admins with a wrong key": (at) =>
    send(post("/api/deploy2/start_push", "{}", `Authorization: Convex a|wrong-${at}`)),
  "a small body that unpacks to a large one": () => send(post("/api/query", bomb, "Content-Encoding: gzip")),
  "a small body for admins that unpacks to a large one": () =>
    send(post("/api/deploy2/start_push", bomb, "Content-Encoding: gzip")),
  "a token of nobody": (at) =>
    send(post("/api/query", call("f:echo", "{}"), `Authorization: Bearer ${token(at)}`)),
  "an upgrade that is left alone": () => void open(upgrade()),
  "an upgrade to nowhere": () => void open(upgrade("/nowhere")),
  "an upgrade and then nonsense": () => send(upgrade(), Buffer.alloc(64, 0xff)),
  "a frame that says that it is too large": () =>
    send(upgrade(), Buffer.from([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4])),
  "a frame of which half comes": () =>
    void open(
      upgrade(),
      Buffer.concat([Buffer.from([0x81, 0xfe, 0xff, 0xff, 1, 2, 3, 4]), Buffer.alloc(40_000)]),
    ),
  "a message that is no JSON": () => say("{"),
  "a message of an unknown type": () => say('{"type":"Nonsense"}'),
  "calls before Connect": () => send(upgrade(), Buffer.from([0x81, 0x80, 1, 2, 3, 4])),
  "a query whose arguments are 5,000 deep": () => say(watch(null).replace("null", deepJson)),
  "a mutation whose arguments are 5,000 deep": () => say(mutation(0, null).replace("null", deepJson)),
  "mutations whose caller goes away": () => say(...Array.from({ length: 5 }, (_, id) => mutation(id))),
  "queries whose watcher goes away": (at) => say(watch({ at, text: "z".repeat(10_000) })),
  "a token that is none": () =>
    say(JSON.stringify({ type: "Authenticate", baseVersion: 0, tokenType: "User", value: "x.y.z" })),
  "replies that nobody reads": () => {
    const request = post("/api/query", call("f:large", "{}"));
    open(request, request).pause();
  },
};

const kinds = Object.values(attacks);

/** Some of each at once: every one has its connection, or was refused. */
async function attack(at: number): Promise<void> {
  const several = Array.from({ length: atOnce }, (_, step) => at + step);
  await Promise.all(several.flatMap((one) => kinds.map(async (each) => await each(one))));
}

const nothing = { sockets: 0, watchedQueries: 0, subscriptions: 0, requests: 0, calls: 0, bytes: 0 };

/** Attacks for so many requests, hangs up, and tells what memory the server holds once it has let go of everything else. */
async function round(count: number): Promise<number> {
  for (let at = 0; at * kinds.length < count; at += atOnce) await attack(at);
  for (const socket of sockets) socket.destroy();
  await expect.poll(async () => await ask("figures"), { timeout: 60_000, interval: 100 }).toEqual(nothing);
  return await ask<number>("memory");
}

test("after ten thousand hostile requests the server answers, and holds what it held after half of them", async () => {
  await round(requests / 10);
  const before = await round(requests / 2);
  const after = await round(requests / 2);
  const grown = after - before;
  console.log(`The second half has left ${(grown / 1024).toFixed()} KiB.`);
  expect(grown).toBeLessThan(allowedBytes);
  const body = call("f:echo", '{"a":1}');
  const reply = await fetch(`http://127.0.0.1:${port}/api/query`, { method: "POST", body });
  expect(await reply.json()).toMatchObject({ status: "success", value: { a: 1 } });
}, 300_000);
