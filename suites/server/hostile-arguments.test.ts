/** Arguments that no honest client sends, over HTTP and WebSocket: each gets a coded error or arrives as it is. */
import { randomUUID } from "node:crypto";
import { mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";
import { memory, openBackend, type Backend } from "trueup";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startServer, type RunningServer } from "../../src/server/index.js";

const mod = {
  keep: mutationGeneric({
    args: v.any(),
    handler: async (ctx, args: { value?: unknown }) => {
      await ctx.db.insert("items", { value: (args.value ?? null) as never });
      return Object.getPrototypeOf(args) === Object.prototype && !("polluted" in {});
    },
  }),
  items: queryGeneric({ args: {}, handler: async (ctx) => (await ctx.db.query("items").collect()).length }),
  echo: queryGeneric({ args: v.any(), handler: (_ctx, args: unknown) => args as never }),
};

const nested = (depth: number, open: string, close: string): string =>
  open.repeat(depth) + "1" + close.repeat(depth);
const fields = (count: number): string =>
  `{${Array.from({ length: count }, (_, at) => `"f${at}":${at}`).join(",")}}`;

/** The JSON of a value, and whether Convex has such a value. */
const values: readonly (readonly [name: string, json: string, isValue: boolean])[] = [
  ["arrays 5,000 deep", nested(5_000, "[", "]"), false],
  ["objects 5,000 deep", nested(5_000, '{"a":', "}"), false],
  ["arrays 100,000 deep", nested(100_000, "[", "]"), false],
  ["arrays 17 deep", nested(17, "[", "]"), false],
  ["1,025 fields", fields(1025), false],
  ["8,193 items", `[${"0,".repeat(8192)}0]`, false],
  ["a text of 2 MB", `"${"x".repeat(2 << 20)}"`, false],
  ["half a surrogate pair", String.raw`"\ud800"`, false],
  ["half a pair as a name", String.raw`{"\udc00":1}`, false],
  ["a name that is no ASCII", '{"é":1}', false],
  ["an unknown mark", '{"$what":1}', false],
  ["a mark beside a field", '{"$integer":"AQAAAAAAAAA=","a":1}', false],
  ["an integer of two bytes", '{"$integer":"AQA="}', false],
  ["an integer that is no base64", '{"$integer":"!!!!"}', false],
  ["an integer that is no text", '{"$integer":7}', false],
  ["a float of two bytes", '{"$float":"AQA="}', false],
  ["bytes that are no text", '{"$bytes":7}', false],
  ["bytes that are no base64", '{"$bytes":"!"}', false],
  ["a set", '{"$set":[1]}', false],
  ["minus zero", '{"$float":"AAAAAAAAAIA="}', true],
  ["no number", '{"$float":"AAAAAAAA+H8="}', true],
  ["a prototype", '{"__proto__":{"polluted":true}}', true],
  ["a constructor", '{"constructor":{"prototype":{"polluted":true}}}', true],
  ["a number too large", "1e999", true],
];

let backend: Backend;
let server: RunningServer;
beforeAll(async () => {
  backend = await openBackend({ storage: memory(), modules: { "convex/mod.ts": mod }, log: "silent" });
  server = await startServer(backend, { port: 0, adminKeys: ["trueup|secret"] });
});
afterAll(async () => {
  await server.close();
  await backend.close();
});

async function post(path: string, body: string): Promise<Record<string, unknown>> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(server.url + path, { method: "POST", body, headers });
  return { httpStatus: response.status, ...((await response.json()) as object) };
}

const items = async (): Promise<unknown> =>
  (await post("/api/query", '{"path":"mod:items","args":{}}'))["value"];

const isCoded = ({ code, errorCode }: Record<string, unknown>): boolean =>
  typeof (code ?? errorCode) === "string";

test.each(values)("over HTTP: %s", async (_, json, isValue) => {
  const before = Number(await items());
  const args = `"args":[{"value":${json}}]`;
  const reply = await post("/api/mutation", `{"path":"mod:keep",${args}}`);
  expect(Number(await items()) - before).toBe(isValue ? 1 : 0);
  if (isValue) expect(reply).toMatchObject({ status: "success", value: true });
  else expect(reply).toSatisfy(isCoded);
  const { ts } = await post("/api/query_ts", "{}");
  const ways: readonly (readonly [path: string, body: string])[] = [
    ["/api/query", `{"path":"mod:echo",${args}}`],
    ["/api/run/mod/echo", `{${args}}`],
    ["/api/query_at_ts", `{"path":"mod:echo","ts":"${String(ts)}",${args}}`],
  ];
  for (const [path, body] of ways) {
    const echoed = await post(path, body);
    expect(echoed["status"] === "success" || isCoded(echoed)).toBe(true);
  }
});

/** What the server answers to a mutation and a query over a connection of their own; its end is an answer, too. */
async function overSocket(json: string): Promise<string[]> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/api/1.48.0/sync`);
  const answers: string[] = [];
  const done = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString()) as {
        type: string;
        success?: boolean;
        modifications?: { type: string }[];
      };
      const found = message.modifications?.map(({ type }) => type) ?? [
        `${message.type} ${String(message.success)}`,
      ];
      answers.push(...found);
      const isAnswered = (kind: string): boolean => answers.some((answer) => answer.startsWith(kind));
      if (isAnswered("FatalError") || (isAnswered("Mutation") && isAnswered("Query"))) resolve();
    });
  });
  await new Promise((resolve) => socket.once("open", resolve));
  const args = `"args":[{"value":${json}}]`;
  const session = `"sessionId":"${randomUUID()}"`;
  const query = `{"type":"Add","queryId":0,"udfPath":"mod:echo",${args}}`;
  socket.send(`{"type":"Connect",${session},"connectionCount":0,"lastCloseReason":null}`);
  socket.send(`{"type":"Mutation","requestId":0,"udfPath":"mod:keep",${args}}`);
  socket.send(`{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[${query}]}`);
  await done;
  socket.terminate();
  return answers;
}

test.each(values)("over WebSocket: %s", async (_, json, isValue) => {
  const before = Number(await items());
  const answers = await overSocket(json);
  expect(Number(await items()) - before).toBe(isValue ? 1 : 0);
  if (isValue) expect(answers).toContain("MutationResponse true");
  else expect(answers).not.toContain("MutationResponse true");
});

test("a function's name of a megabyte is not found, and not repeated", async () => {
  const path = "x".repeat(1 << 20);
  const reply = await post("/api/query", JSON.stringify({ path, args: {} }));
  expect(reply).toMatchObject({ status: "error", errorCode: "FUNCTION_NOT_PUBLIC" });
  expect(JSON.stringify(reply).length).toBeLessThan(1000);
});
