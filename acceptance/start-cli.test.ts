import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CliApp, type RunningCli } from "./setup/cli-app.js";

const app = new CliApp({
  "convex/f.ts": `
    import { ConvexError, v } from "convex/values";
    import { mutationGeneric as mutation, queryGeneric as query } from "convex/server";
    export const add = mutation({ args: { n: v.number() }, handler: async (ctx, { n }) => void (await ctx.db.insert("items", { n })) });
    export const list = query({ args: {}, handler: async (ctx) => (await ctx.db.query("items").collect()).map(({ n }) => n) });
    export const secret = query({ args: {}, handler: () => { console.log("logged"); throw new Error("the password is 42"); } });
    export const odd = query({ args: {}, handler: () => { throw { toString() { throw new Error("odd"); } }; } });
    export const told = query({ args: {}, handler: () => { throw new ConvexError({ reason: "closed" }); } });`,
});

let running: RunningCli;
let url: string;

const record = (): { url: string; key: string; pid: number } =>
  JSON.parse(readFileSync(join(app.root, "data/server.json"), "utf8")) as never;

/** Starts the server, and resolves when it says where it is. */
async function start(...args: string[]): Promise<void> {
  running = app.start(["start", "--data", "data", "--port", "0", ...args]);
  for (;;) {
    if (existsSync(join(app.root, "data/server.json"))) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  ({ url } = record());
}

async function deploy(key: string): Promise<number | null> {
  app.write({ ".env.local": `CONVEX_SELF_HOSTED_URL=${url}\nCONVEX_SELF_HOSTED_ADMIN_KEY='${key}'\n` });
  return (await app.runOfficial(["deploy", "--typecheck", "disable"])).code;
}

const keys = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await app.run(["keys", ...args, "--data", "data"]);
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
};

const query = (name: string): Promise<unknown> =>
  new ConvexHttpClient(url, { logger: false }).query(anyApi["f"]![name]!, {});

/** What an HTTP call of a query is answered. */
async function ask(path: string, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/api/query`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ path, args: {} }),
  });
  return (await response.json()) as Record<string, unknown>;
}

let first: string;

beforeAll(async () => {
  await start();
  await keys("list");
  first = await keys("add", "ci");
  if ((await deploy(first)) !== 0) throw new Error("the app was not deployed");
}, 60_000);

afterAll(() => app.remove());

test("the official client calls what the official CLI has pushed with a key of `trueup keys`", async () => {
  await new ConvexHttpClient(url, { logger: false }).mutation(anyApi["f"]!["add"]!, { n: 1 });
  expect(await query("list")).toEqual([1]);
});

test("a stranger is told of an error nothing but an id, and an admin what it was", async () => {
  const told = await ask("f:secret");
  expect(told).toEqual({
    status: "error",
    errorMessage: expect.stringMatching(/^\[Request ID: [0-9a-f]{16}\] Server Error$/),
    logLines: [],
  });
  expect(await ask("f:secret", { authorization: `Convex ${first}` })).toMatchObject({
    errorMessage: expect.stringContaining("the password is 42"),
    logLines: ["[LOG] 'logged'"],
  });
  expect((await ask("f:missing"))["errorMessage"]).toMatch(/^\[Request ID: [0-9a-f]{16}\] Server Error$/);
});

test("what the app throws for its clients reaches them", async () => {
  await expect(query("told")).rejects.toMatchObject({ data: { reason: "closed" } });
});

test("what cannot even be shown is an error of its call, and of no other", async () => {
  expect(await ask("f:odd", { authorization: `Convex ${first}` })).toMatchObject({
    status: "error",
    errorMessage: expect.stringContaining("cannot be shown"),
  });
  expect(await query("list")).toEqual([1]);
});

test("a revoked key is refused at once", async () => {
  const key = await keys("add", "temporary");
  const headers = { authorization: `Convex ${key}` };
  expect(await ask("f:list", headers)).toMatchObject({ status: "success" });
  await keys("revoke", "temporary");
  expect(await ask("f:list", headers)).toMatchObject({ code: "BadDeployKey" });
});

test("it says what it is and how it is", async () => {
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(url + path);
    return [response.status, await response.text()];
  };
  expect(await get("/healthz")).toEqual([200, '{"status":"ok"}']);
  expect(await get("/readyz")).toEqual([200, '{"status":"ready"}']);
  expect(await get("/version")).toEqual([200, expect.stringMatching(/^"\d+\.\d+\.\d+"$/)]);
  expect(await get("/")).toEqual([200, expect.stringContaining(url)]);
});

test("SIGTERM ends it with 0; it comes back with its data and keys, in other words of its operator", async () => {
  running.kill("SIGTERM");
  const { code, stderr, stdout } = await running.result;
  expect([code, stdout]).toEqual([0, ""]);
  // The key that was made at the first start is shown once, and what a stranger was not told is in the log.
  expect(stderr.match(/admin key/g)).toHaveLength(1);
  expect(stderr).toMatch(
    /\[ERROR\] f:secret \[Request ID: [0-9a-f]{16}\] Server Error\nUncaught Error: the password is 42/,
  );
  app.write({ "key.txt": "operator|0123456789abcdef\n" });
  await start("--admin-key-file", "key.txt", "--log", "json", "--public-url", "https://api.example");
  expect(await query("list")).toEqual([1]);
  for (const key of [first, "operator|0123456789abcdef"]) {
    const response = await fetch(`${url}/api/v1/get_canonical_urls`, {
      headers: { authorization: `Convex ${key}` },
    });
    expect(await response.json()).toMatchObject({ convexCloudUrl: "https://api.example" });
  }
  await ask("f:secret");
  running.kill("SIGINT");
  const ended = await running.result;
  expect(ended.code).toBe(0);
  const lines = ended.stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: "ERROR",
      function: "f:secret",
      requestId: expect.stringMatching(/^[0-9a-f]{16}$/),
      message: expect.stringContaining("the password is 42"),
    }),
  );
});

test.each([
  ["a key that is too short", ["--admin-key-file", "short.txt"], /at least 16/],
  ["a file that is not there", ["--admin-key-file", "none.txt"], /cannot be read/],
  ["a port that is none", ["--port", "x"], /0 to 65535/],
  ["a URL that is none", ["--public-url", "api.example"], /http/],
])("%s is refused before anything is opened", async (_what, args, message) => {
  app.write({ "short.txt": "short\n" });
  const { code, stderr } = await app.run(["start", "--data", "other", ...args]);
  expect([code, stderr]).toEqual([64, expect.stringMatching(message)]);
  expect(existsSync(join(app.root, "other"))).toBe(false);
});
