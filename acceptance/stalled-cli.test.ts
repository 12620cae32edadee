/** A function that never lets go ends its process, and a supervisor begins another: nobody else loses anything. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConvexClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { functionSource as fn, pushedModule, pushRequest } from "../suites/deploy/hand-made-push.js";
import { freePorts } from "./setup/app-server.js";
import { CliApp, type RunningCli } from "./setup/cli-app.js";

const adminKey = "operator|0123456789abcdef";
const spin = "for (;;) if (args.never) return;";
const source = (version: number): string => `
  export const version = ${fn("Query", `return ${version};`)};
  export const add = ${fn("Mutation", 'await ctx.db.insert("rows", { n: args.n }); return args.n;')};
  export const list = ${fn("Query", 'return (await ctx.db.query("rows").collect()).map(({ n }) => n);')};
  export const spinQuery = ${fn("Query", `await ctx.db.query("rows").collect(); ${spin}`)};
  export const spinLater = ${fn("Mutation", 'return await ctx.scheduler.runAfter(0, "app:spinMutation", {});')};
  export const spinMutation = ${fn("Mutation", `await ctx.db.insert("rows", { n: -1 }); ${spin}`)};
  export const jobs = ${fn("Query", 'return (await ctx.db.system.query("_scheduled_functions").collect()).map(({ state }) => state.kind);')};`;

const app = new CliApp({});
let url = "";
let running: RunningCli;
const clients: ConvexClient[] = [];

beforeAll(async () => {
  const [port = 0, sitePort = 0] = await freePorts(2);
  url = `http://127.0.0.1:${port}`;
  const ports = ["--port", String(port), "--site-port", String(sitePort)];
  running = app.start(["start", "--data", "data", "--max-stall", "3", ...ports], {
    TRUEUP_ADMIN_KEY: adminKey,
  });
  await vi.waitUntil(isReady, { timeout: 30_000 });
  await push(1);
}, 60_000);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await app.remove();
});

async function isReady(): Promise<boolean> {
  return (await fetch(`${url}/readyz`).catch(() => null))?.ok ?? false;
}

async function post(path: string, body: object): Promise<unknown> {
  const headers = { Authorization: `Convex ${adminKey}`, "Content-Type": "application/json" };
  const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return await response.json();
}

async function push(version: number): Promise<void> {
  const modules = [pushedModule("app.js", source(version))];
  const startPush = await post("/api/deploy2/start_push", pushRequest({ modules }));
  await post("/api/deploy2/finish_push", { startPush, dryRun: false, message: null });
}

function client(): ConvexClient {
  const options = { webSocketConstructor: WebSocket as never, logger: false, unsavedChangesWarning: false };
  const made = new ConvexClient(url, options);
  clients.push(made);
  return made;
}

const serverPid = (): number =>
  (JSON.parse(readFileSync(join(app.root, "data/server.json"), "utf8")) as { pid: number }).pid;

test("a query that spins ends the process; it is refused after that, and everybody else goes on", async () => {
  const before = serverPid();
  const [watcher, writer, spinner] = [client(), client(), client()];
  let seen: readonly number[] = [];
  watcher.onUpdate(anyApi["app"]!["list"]!, {}, (rows: readonly number[]) => (seen = rows));
  const total = 60;
  const answers: Promise<unknown>[] = [];
  let refusal: Error | null = null;
  for (let n = 0; n < total; n++) {
    answers.push(writer.mutation(anyApi["app"]!["add"]!, { n }));
    if (n === 20) {
      await answers[n];
      spinner.onUpdate(
        anyApi["app"]!["spinQuery"]!,
        {},
        () => {},
        (error) => (refusal = error),
      );
    }
  }
  expect(await Promise.all(answers)).toEqual(answers.map((_answer, n) => n));
  await expect.poll(() => refusal, { timeout: 60_000 }).not.toBeNull();
  const rows = Array.from({ length: total }, (_row, n) => n);
  await expect.poll(() => seen, { timeout: 60_000 }).toEqual(rows);
  await expect.poll(serverPid, { timeout: 60_000 }).not.toBe(before);
  const refused = serverPid();
  const again = await post("/api/query", { path: "app:spinQuery", args: {}, format: "json" });
  expect(again).toMatchObject({
    status: "error",
    errorMessage: expect.stringContaining("is not run before its code changes"),
  });
  expect(serverPid()).toBe(refused);
}, 120_000);

test("a job that spins has failed when the next process has begun, and is undone", async () => {
  const before = serverPid();
  await post("/api/mutation", { path: "app:spinLater", args: {}, format: "json" });
  const jobs = (): Promise<unknown> =>
    post("/api/query", { path: "app:jobs", args: {}, format: "json" }).catch(() => null);
  await expect.poll(jobs, { timeout: 60_000 }).toMatchObject({ value: ["failed"] });
  await expect.poll(serverPid, { timeout: 60_000 }).not.toBe(before);
  expect(await post("/api/query", { path: "app:list", args: {}, format: "json" })).toMatchObject({
    value: expect.not.arrayContaining([-1]),
  });
}, 120_000);

test("other code is given another try", async () => {
  await push(2);
  const before = serverPid();
  const spun = post("/api/query", { path: "app:spinQuery", args: {}, format: "json" });
  await expect(spun).rejects.toThrow("fetch failed");
  await expect.poll(serverPid, { timeout: 60_000 }).not.toBe(before);
}, 120_000);

test("a signal ends both processes, and the log has named each function that spun", async () => {
  running.kill("SIGTERM");
  const { code, stderr } = await running.result;
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /query 'app:spinQuery' \(request [0-9a-f]{16}\) has kept the server from everything else for 3 seconds/,
  );
  expect(stderr).toContain("mutation 'app:spinMutation'");
  expect(stderr).toMatch(/\n {4}at .*\.\.\/convex\/app\.js:\d+:\d+/);
  expect(stderr).toContain("The server has ended by SIGKILL, and is started again.");
}, 60_000);
