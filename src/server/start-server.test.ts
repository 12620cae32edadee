import { request } from "node:http";
import { brotliCompressSync, gzipSync } from "node:zlib";
import {
  actionGeneric,
  httpActionGeneric,
  httpRouter,
  internalQueryGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memory, openBackend, type Backend } from "../backend/index.js";
import { WebSocket } from "ws";
import { startServer, type RunningServer } from "./index.js";

const adminKey = "trueup|secret";

const http = httpRouter();
http.route({
  path: "/echo",
  method: "POST",
  handler: httpActionGeneric(async (_ctx, request) => {
    const text = await request.text();
    const headers = { "X-Seen": request.headers.get("X-Sent") ?? "", "Set-Cookie": "a=1" };
    return new Response(`${new URL(request.url).search} ${text}`, { status: 201, headers });
  }),
});

const functions = {
  add: mutationGeneric({
    args: { name: v.string() },
    handler: async (ctx, args) => {
      console.log("adding", args.name);
      return await ctx.db.insert("items", args);
    },
  }),
  count: queryGeneric({ args: {}, handler: async (ctx) => (await ctx.db.query("items").collect()).length }),
  secret: internalQueryGeneric({ args: {}, handler: async () => "secret" }),
  who: queryGeneric({
    args: {},
    handler: async (ctx) => (await ctx.auth.getUserIdentity())?.tokenIdentifier ?? null,
  }),
  values: queryGeneric({
    args: { value: v.any() },
    handler: async (_ctx, { value }) => ({ int: 5n, nan: NaN, bytes: new Uint8Array([1, 2]).buffer, value }),
  }),
  fail: queryGeneric({
    args: {},
    handler: async () => {
      throw new ConvexError({ reason: "on purpose", amount: 3n });
    },
  }),
  act: actionGeneric({ args: {}, handler: async () => "acted" }),
  urls: actionGeneric({
    args: {},
    handler: async () => [process.env["CONVEX_CLOUD_URL"], process.env["CONVEX_SITE_URL"]],
  }),
};

let backend: Backend;
let server: RunningServer;
beforeAll(async () => {
  const modules = { "convex/mod.ts": functions, "convex/http.ts": { default: http } };
  backend = await openBackend({ storage: memory(), modules, log: "silent", runScheduled: false });
  server = await startServer(backend, { port: 0, adminKeys: [adminKey] });
});
afterAll(async () => {
  await server.close();
  await backend.close();
});

async function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const text = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  return await fetch(server.url + path, { method: "POST", body: text, headers });
}

/** The status and the JSON of a reply. */
async function call(path: string, body: unknown, headers?: Record<string, string>): Promise<unknown[]> {
  const response = await post(path, body, headers);
  return [response.status, await response.json()];
}

const asAdmin = { Authorization: `Convex ${adminKey}` };

test("a function is called by its kind, with its log lines", async () => {
  const [status, reply] = await call("/api/mutation", { path: "mod:add", args: [{ name: "Ann" }] });
  expect([status, reply]).toEqual([
    200,
    { status: "success", value: expect.any(String), logLines: ["[LOG] 'adding' 'Ann'"] },
  ]);
  const success = (value: unknown): unknown[] => [200, { status: "success", value, logLines: [] }];
  expect(await call("/api/query", { path: "mod:count", args: {} })).toEqual(success(1));
  expect(await call("/api/query", { path: "mod.js:count", args: [{}] })).toEqual(success(1));
  expect(await call("/api/action", { path: "mod:act" })).toEqual(success("acted"));
  expect(await call("/api/function", { path: "mod:act" }, asAdmin)).toEqual(success("acted"));
});

test("the path of a function may stand in the address", async () => {
  const args = { value: 1 };
  expect(await call("/api/run/mod/values", { args, format: "json" })).toMatchObject([200, { value: args }]);
  expect(await call("/api/run/mod/count", { args: {} })).toMatchObject([200, { status: "success" }]);
  expect(await call("/api/run/mod/secret", { args: {} })).toMatchObject([
    200,
    { errorCode: "FUNCTION_NOT_PUBLIC" },
  ]);
  expect(await call("/api/run/mod", {})).toMatchObject([200, { errorCode: "FUNCTION_NOT_PUBLIC" }]);
});

test("what a function throws is a reply, with its data", async () => {
  expect(await call("/api/query", { path: "mod:fail", args: {} })).toEqual([
    200,
    {
      status: "error",
      errorMessage: expect.stringContaining("Uncaught ConvexError"),
      errorData: { reason: "on purpose", amount: { $integer: "AwAAAAAAAAA=" } },
      logLines: [],
    },
  ]);
});

test.each([
  ["an unknown function", { path: "mod:nope" }, "FUNCTION_NOT_PUBLIC", "Could not find public function"],
  ["an internal function", { path: "mod:secret" }, "FUNCTION_NOT_PUBLIC", "Could not find public function"],
  ["wrong arguments", { path: "mod:count", args: { x: 1 } }, "INVALID_ARGUMENTS", "ArgumentValidationError"],
  ["a function of another kind", { path: "mod:act" }, "FUNCTION_WRONG_KIND", "is an action"],
])("%s is told with its code", async (_what, body, errorCode, message) => {
  expect(await call("/api/query", body)).toEqual([
    200,
    { status: "error", errorCode, errorMessage: expect.stringContaining(message), logLines: [] },
  ]);
});

test("the admin key opens internal functions, and lets the caller act as a user", async () => {
  expect(await call("/api/query", { path: "mod:secret" }, asAdmin)).toMatchObject([200, { value: "secret" }]);
  const identity = Buffer.from(JSON.stringify({ issuer: "https://i", subject: "ann" })).toString("base64");
  const headers = { Authorization: `Convex ${adminKey}:${identity}` };
  expect(await call("/api/query", { path: "mod:who" }, headers)).toMatchObject([
    200,
    { value: "https://i|ann" },
  ]);
  expect(await call("/api/query", { path: "mod:who" }, asAdmin)).toMatchObject([200, { value: null }]);
});

test("values keep their types, or become plain JSON where that is asked for", async () => {
  const value = { $float: "AAAAAAAA+H8=" };
  const encoded = await call("/api/query", { path: "mod:values", args: { value } });
  expect(encoded).toMatchObject([
    200,
    { value: { int: { $integer: "BQAAAAAAAAA=" }, nan: value, bytes: { $bytes: "AQI=" }, value } },
  ]);
  const plain = await call("/api/query", { path: "mod:values", args: { value: null }, format: "json" });
  expect(plain).toMatchObject([200, { value: { int: "5", nan: "NaN", bytes: "AQI=", value: null } }]);
});

test.each([
  ["a wrong key", { Authorization: "Convex wrong" }, 403, "BadDeployKey"],
  ["the beginning of the key", { Authorization: "Convex trueup|" }, 403, "BadDeployKey"],
  ["the key with something behind it", { Authorization: `Convex ${adminKey}x` }, 403, "BadDeployKey"],
  ["another scheme", { Authorization: "Basic abc" }, 403, "BadDeployKey"],
  ["what is no token", { Authorization: "Bearer abc" }, 401, "InvalidAuthHeader"],
  ["no identity behind the key", { Authorization: `Convex ${adminKey}:e30=` }, 400, "BadIdentity"],
])("%s is refused", async (_what, headers, status, code) => {
  expect(await call("/api/query", { path: "mod:count" }, headers)).toMatchObject([status, { code }]);
});

test("what is for admins needs the key, in the header or in the body", async () => {
  const path = "/api/get_config_hashes";
  expect(await call(path, {})).toMatchObject([401, { code: "MissingAdminKey" }]);
  expect(await call(path, { adminKey: "wrong" })).toMatchObject([403, { code: "BadDeployKey" }]);
  expect(await call(path, { adminKey })).toMatchObject([200, { moduleHashes: [] }]);
  expect(await call(path, {}, asAdmin)).toMatchObject([200, { moduleHashes: [] }]);
  const component = { path: "mod:count", componentPath: "other" };
  expect(await call("/api/query", component)).toMatchObject([
    200,
    { errorMessage: expect.stringMatching(/^You do not have permission to perform this operation/) },
  ]);
});

test.each([
  ["not JSON", "{", 400, "MalformedJson"],
  ["no object", "[]", 400, "INVALID_REQUEST"],
  ["no path", {}, 400, "INVALID_REQUEST"],
  ["arguments that are no values", { path: "mod:count", args: { $integer: 5 } }, 400, "BadArguments"],
  ["two arguments", { path: "mod:count", args: [{}, {}] }, 400, "BadArguments"],
  ["an unknown format", { path: "mod:count", format: "xml" }, 400, "INVALID_REQUEST"],
])("a body that is %s is refused", async (_what, body, status, code) => {
  expect(await call("/api/query", body)).toMatchObject([status, { code, message: expect.any(String) }]);
});

test("compressed bodies are read; others are named", async () => {
  const body = JSON.stringify({ path: "mod:act" });
  const send = (bytes: Uint8Array, encoding: string): Promise<unknown[]> =>
    call("/api/action", bytes, { "Content-Encoding": encoding });
  expect(await send(brotliCompressSync(body), "br")).toMatchObject([200, { value: "acted" }]);
  expect(await send(gzipSync(body), "gzip")).toMatchObject([200, { value: "acted" }]);
  expect(await send(Buffer.from(body), "br")).toMatchObject([400, { code: "MalformedBody" }]);
  expect(await send(Buffer.from(body), "zstd")).toMatchObject([415, { code: "UnsupportedEncoding" }]);
});

test("of what is for admins, nothing large is read or unpacked for who has not shown the key first", async () => {
  const large = { adminKey, padding: "x".repeat(100_000) };
  const paths = ["/api/deploy2/start_push", "/api/trueup/plan", "/api/update_environment_variables"];
  for (const path of paths) {
    expect(await call(path, large)).toMatchObject([413, { code: "PayloadTooLarge" }]);
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    const response = await post(path, bomb, { "Content-Encoding": "gzip" });
    expect([response.status, await response.json()]).toMatchObject([413, { code: "PayloadTooLarge" }]);
  }
  expect(await call("/api/get_config_hashes", large, asAdmin)).toMatchObject([200, {}]);
});

test("a body that is too large is refused, also when it is small before it is unpacked", async () => {
  const path = "/api/trueup/work";
  const large = JSON.stringify({ requestId: "x".repeat(2 * 1024 * 1024) });
  expect(await call(path, large, asAdmin)).toMatchObject([413, { code: "PayloadTooLarge" }]);
  const bomb = brotliCompressSync(large);
  expect(bomb.length).toBeLessThan(10_000);
  expect(await call(path, bomb, { ...asAdmin, "Content-Encoding": "br" })).toMatchObject([
    413,
    { code: "PayloadTooLarge" },
  ]);
});

test("a feature that is not there yet is named, never a 404; an unknown path is a 404", async () => {
  expect(await call("/api/import/start_upload", {})).toMatchObject([
    501,
    { code: "FEATURE_NOT_SUPPORTED", message: expect.stringContaining("Import") },
  ]);
  expect(await call("/api/nothing", {})).toMatchObject([404, { code: "NotFound" }]);
  const response = await fetch(`${server.url}/api/query`);
  expect([response.status, await response.json()]).toMatchObject([405, { code: "MethodNotAllowed" }]);
});

test("addresses that are no paths are refused, and odd ones stay paths", async () => {
  const send = async (target: string): Promise<number | undefined> =>
    await new Promise((resolve, reject) => {
      const sent = request({ port: server.port, path: target }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on("error", reject).end();
    });
  const statuses = await Promise.all(["*", "//elsewhere/x", "/%", "/http//elsewhere", "/?a=%"].map(send));
  expect(statuses).toEqual([400, 404, 404, 404, 200]);
});

test("pages of this machine may call, and of origins that are named; others, and other names of it, may not", async () => {
  const own = await startServer(backend, { port: 0, origins: ["https://app.example/"] });
  const ask = async (headers: Record<string, string>): Promise<[number, unknown]> => {
    const { port } = own;
    return await new Promise((resolve, reject) => {
      const sent = request({ port, path: "/api/action", method: "POST", headers }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () =>
          resolve([response.statusCode ?? 0, (JSON.parse(text) as { code?: unknown }).code]),
        );
      });
      sent.on("error", reject).end(JSON.stringify({ path: "mod:act" }));
    });
  };
  const opens = async (headers: Record<string, string>): Promise<unknown> => {
    const socket = new WebSocket(`${own.url.replace("http", "ws")}/api/1.48.0/sync`, { headers });
    const opened = await new Promise((resolve) => {
      socket.on("open", () => resolve(true)).on("error", (error) => resolve(error.message));
    });
    socket.terminate();
    return opened;
  };
  try {
    for (const origin of [
      "http://localhost:5173",
      "https://127.0.0.1",
      "http://app.localhost:3000",
      "https://app.example",
    ]) {
      expect(await ask({ origin })).toEqual([200, undefined]);
      expect(await opens({ origin })).toBe(true);
    }
    for (const origin of [
      "https://evil.example",
      "https://app.example.evil",
      "http://app.example",
      "null",
      "http://localhost.evil.example",
    ]) {
      expect(await ask({ origin })).toEqual([403, "OriginNotAllowed"]);
      expect(await opens({ origin })).toMatch(/403/);
    }
    expect(await ask({ host: "evil.example" })).toEqual([403, "HostNotAllowed"]);
    expect(await opens({ host: "evil.example:80" })).toMatch(/403/);
    const preflight = { method: "OPTIONS", headers: { origin: "https://evil.example" } };
    expect((await fetch(`${own.url}/api/query`, preflight)).status).toBe(403);
  } finally {
    await own.close();
  }
});

test("in production a browser may call from anywhere", async () => {
  const own = await startServer(backend, { port: 0, isProduction: true });
  const headers = { Origin: "https://app.example", "Access-Control-Request-Headers": "authorization,x-own" };
  const preflight = await fetch(`${own.url}/api/query`, { method: "OPTIONS", headers });
  expect([preflight.status, Object.fromEntries(preflight.headers)]).toMatchObject([
    204,
    {
      "access-control-allow-origin": "https://app.example",
      "access-control-allow-headers": "authorization,x-own",
      "access-control-allow-credentials": "true",
    },
  ]);
  const refused = await fetch(`${own.url}/api/query`, { method: "POST", body: "{", headers });
  expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([
    400,
    "https://app.example",
  ]);
  await own.close();
});

test("an HTTP action gets the request as it came, and its response goes out as it is", async () => {
  const response = await post("/http/echo?x=1", "hello", { "X-Sent": "sent", Authorization: "Bearer own" });
  expect([response.status, await response.text()]).toEqual([201, "?x=1 hello"]);
  expect(response.headers.get("x-seen")).toBe("sent");
  expect(response.headers.getSetCookie()).toEqual(["a=1"]);
  const missing = await fetch(`${server.url}/http/nothing`);
  expect([missing.status, await missing.json()]).toMatchObject([404, { code: "NotFound" }]);
});

test("the server tells its addresses, to the CLI and to functions", async () => {
  const urls = { convexCloudUrl: server.url, convexSiteUrl: `${server.url}/http` };
  const response = await fetch(`${server.url}/api/v1/get_canonical_urls`, { headers: asAdmin });
  expect(await response.json()).toEqual(urls);
  const [, reply] = await call("/api/action", { path: "mod:urls" });
  expect(reply).toMatchObject({ value: Object.values(urls) });
});

test("the app's HTTP actions may have a port of their own, where every path is the app's", async () => {
  const own = await startServer(backend, { port: 0, sitePort: 0, adminKeys: [adminKey] });
  try {
    const { origin, pathname } = new URL(own.siteUrl);
    expect([own.siteUrl, pathname]).toEqual([origin, "/"]);
    expect(origin).not.toBe(own.url);
    const echo = { method: "POST", body: "hello" };
    expect(await (await fetch(`${own.siteUrl}/echo?x=1`, echo)).text()).toBe("?x=1 hello");
    expect(await (await fetch(`${own.url}/http/echo?x=1`, echo)).text()).toBe("?x=1 hello");
    for (const path of ["/http/echo", "/api/query", "/instance_name"]) {
      expect((await fetch(own.siteUrl + path, echo)).status).toBe(404);
    }
    const response = await fetch(`${own.url}/api/v1/get_canonical_urls`, { headers: asAdmin });
    expect(await response.json()).toEqual({ convexCloudUrl: own.url, convexSiteUrl: own.siteUrl });
    const taken = { port: 0, sitePort: Number(new URL(own.siteUrl).port) };
    await expect(startServer(backend, taken)).rejects.toMatchObject({ code: "PORT_IN_USE" });
  } finally {
    await own.close();
  }
  await expect(fetch(`${own.siteUrl}/echo`)).rejects.toThrow("fetch failed");
});

test("the work that a call set off can be asked for", async () => {
  const [status, work] = await call("/api/trueup/work", { requestId: "none" }, asAdmin);
  expect([status, work]).toMatchObject([200, { pending: 0, inProgress: 0, succeeded: 0, failed: 0 }]);
});

test("a port that is taken is told", async () => {
  await expect(startServer(backend, { port: server.port, adminKeys: [adminKey] })).rejects.toMatchObject({
    code: "PORT_IN_USE",
    details: { port: server.port },
  });
});

test("a server that closes ends what waits, and closes once", async () => {
  const own = await startServer(backend, { port: 0, adminKeys: [adminKey] });
  const polling = fetch(`${own.url}/api/stream_function_logs?cursor=7`, { headers: asAdmin });
  await fetch(`${own.url}/instance_name`);
  const closing = own.close();
  expect(await (await polling).json()).toEqual({ entries: [], newCursor: 7 });
  await closing;
  await own.close();
  await expect(fetch(`${own.url}/instance_name`)).rejects.toThrow("fetch failed");
});
