import { EventEmitter } from "node:events";
import { Server, type AddressInfo } from "node:net";
import { actionGeneric, makeFunctionReference, mutationGeneric, queryGeneric } from "convex/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import {
  memory,
  openBackend,
  programFromModules,
  sqlite,
  type Backend,
  type BackendFigures,
  type OpenStorage,
} from "../../backend/index.js";
import { Metrics } from "./metrics.js";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import { startServer, type RunningServer } from "../index.js";

const key = "metrics|a-key-of-the-test";
const inFolder = temporaryFolder();
const fail = makeFunctionReference<"mutation">("f:fail");
const functions = {
  count: queryGeneric({ handler: async (ctx) => (await ctx.db.query("rows").collect()).length }),
  add: mutationGeneric({ handler: async (ctx) => void (await ctx.db.insert("rows", {})) }),
  fail: mutationGeneric({
    handler: () => {
      throw new Error("on purpose");
    },
  }),
  later: actionGeneric({
    handler: async (ctx) => void (await ctx.scheduler.runAfter(0, fail, {})),
  }),
};

let backend: Backend;
let server: RunningServer;
const start = async (storage: OpenStorage): Promise<void> => {
  backend = await openBackend({ storage, modules: { "convex/f.ts": functions }, log: "silent" });
  server = await startServer(backend, { port: 0, adminKeys: [key], limits: { sockets: 1 } });
};
beforeEach(() => start(memory()));
afterEach(async () => {
  await server.close();
  await backend.close();
});

const call = (kind: string, path: string): Promise<Response> =>
  fetch(`${server.url}/api/${kind}`, { method: "POST", body: JSON.stringify({ path, args: {} }) });

const scrape = (authorization?: string): Promise<Response> =>
  fetch(`${server.url}/metrics`, authorization === undefined ? {} : { headers: { authorization } });

/** The values by what stands before them in the text. */
async function read(): Promise<Readonly<Record<string, number>>> {
  const text = await (await scrape(`Convex ${key}`)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("they can be read as soon as the port is open", async () => {
  const statuses: number[] = [];
  const ports: number[] = [];
  // The second port, that of the app's HTTP actions, is not open before the first has answered.
  const emit = vi.spyOn(Server.prototype, "emit").mockImplementation(function (
    this: Server,
    event: string,
    ...rest: unknown[]
  ) {
    const send = (): boolean => EventEmitter.prototype.emit.call(this, event, ...rest);
    if (event !== "listening") return send();
    ports.push((this.address() as AddressInfo).port);
    if (ports.length === 1) return send();
    void fetch(`http://127.0.0.1:${ports[0]}/metrics`, { headers: { authorization: `Convex ${key}` } })
      .then(({ status }) => statuses.push(status))
      .then(send);
    return true;
  });
  const another = await startServer(backend, { port: 0, sitePort: 0, adminKeys: [key] });
  emit.mockRestore();
  await another.close();
  expect(statuses).toEqual([200]);
});

test("admins read them, and nobody else", async () => {
  expect((await scrape()).status).toBe(401);
  expect((await scrape("Convex metrics|another")).status).toBe(403);
  const reply = await scrape(`Convex ${key}`);
  expect([reply.status, reply.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  expect(await reply.text()).toMatch(/^# TYPE trueup_commits_total counter$/m);
});

test("calls are counted by kind, outcome and function, with how long they took; jobs are among them", async () => {
  for (const [kind, path] of [
    ["query", "f:count"],
    ["query", "f:count"],
    ["mutation", "f:add"],
    ["mutation", "f:fail"],
    ["action", "f:later"],
  ] as const) {
    await call(kind, path);
  }
  await backend.scheduler.idle();
  expect(await read()).toMatchObject({
    'trueup_call_duration_seconds_count{kind="query",outcome="success"}': 2,
    'trueup_call_duration_seconds_count{kind="mutation",outcome="success"}': 1,
    'trueup_call_duration_seconds_count{kind="mutation",outcome="failure"}': 2,
    'trueup_call_duration_seconds_bucket{kind="action",outcome="success",le="+Inf"}': 1,
    'trueup_function_calls_total{function="f:count",component="",outcome="success"}': 2,
    'trueup_function_calls_total{function="f:fail",component="",outcome="failure"}': 2,
    'trueup_function_seconds_total{function="f:count",component=""}': expect.any(Number),
    'trueup_jobs_ended_total{outcome="failed"}': 1,
    trueup_jobs_due: 0,
  });
});

test("what callers make up becomes no label, and a function that is gone loses its own", async () => {
  for (let at = 0; at < 50; at++) await call("query", `f:made-up-${at}`);
  await fetch(`${server.url}/http/none/${"x".repeat(50)}`);
  await call("query", "f:count");
  const before = await read();
  expect(Object.keys(before).filter((name) => /made-up|xxx/.test(name))).toEqual([]);
  expect(before['trueup_call_duration_seconds_count{kind="query",outcome="failure"}']).toBe(50);
  expect(Object.keys(before).some((name) => name.includes('function="f:count"'))).toBe(true);
  const { count: _gone, ...left } = functions;
  await backend.activate(await programFromModules({ modules: { "convex/f.ts": left } }));
  expect(Object.keys(await read()).some((name) => name.includes('function="f:count"'))).toBe(false);
});

test("connections, what they watch and what was refused show", async () => {
  const address = `${server.url.replace("http", "ws")}/api/1.48.0/sync`;
  const socket = new WebSocket(address);
  await new Promise((resolve) => socket.on("open", resolve));
  const add = (queryId: number): object => ({ type: "Add", queryId, udfPath: "f:count", args: [{}] });
  socket.send(JSON.stringify({ type: "Connect", sessionId: crypto.randomUUID() }));
  const modifications = [add(1), add(2)];
  socket.send(JSON.stringify({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications }));
  await new Promise((resolve) => socket.once("message", resolve));
  const refused = new WebSocket(address);
  await new Promise((resolve) => refused.on("error", resolve));
  expect(await read()).toMatchObject({
    trueup_sockets: 1,
    trueup_subscriptions: 2,
    trueup_watched_queries: 1,
    trueup_requests_under_way: 1,
    'trueup_refused_total{limit="sockets"}': 1,
  });
  socket.terminate();
  await expect.poll(async () => (await read())["trueup_sockets"]).toBe(0);
});

test("a storage on disk tells of commits, flushes and its size; the process of its memory and its event loop", async () => {
  await server.close();
  await backend.close();
  await start(sqlite(inFolder("data.sqlite")));
  const before = await read();
  await call("mutation", "f:add");
  const after = await read();
  const rose = (name: string): number => (after[name] ?? NaN) - (before[name] ?? NaN);
  expect(rose("trueup_commits_total")).toBe(1);
  expect(rose("trueup_flushes_total")).toBe(1);
  expect(rose("trueup_flush_seconds_total")).toBeGreaterThan(0);
  expect(after['trueup_storage_bytes{part="data"}']).toBeGreaterThan(0);
  expect(after["trueup_conflicts_total"]).toBe(0);
  expect(after["process_resident_memory_bytes"]).toBeGreaterThan(0);
  expect(after).toHaveProperty("nodejs_eventloop_lag_mean_seconds");
});

test("aggregates tell their drift, migrations their progress, jobs how late they are", async () => {
  const figures: BackendFigures = {
    ...(await backend.figures()),
    jobs: { due: 3, longestDueMs: 1500, runningActions: 2, ended: { success: 5, failed: 1, canceled: 0 } },
    aggregates: [
      { name: "byScore", state: "ready", drift: 2 },
      { name: "byName", state: "building", drift: null },
    ] as unknown as BackendFigures["aggregates"],
    migrations: [
      { name: "m:all", componentPath: "", state: "inProgress", isDone: false, processed: 7, total: 9 },
      { name: "m:bad", componentPath: "", state: "failed", isDone: false, processed: 1 },
    ],
  };
  const none = {
    sockets: 0,
    watchedQueries: 0,
    subscriptions: 0,
    requestsUnderWay: 0,
    bytes: 0,
    calls: 0,
    refused: {},
  };
  const metrics = new Metrics({ figures: async () => figures, activeProgram: null }, () => none);
  const { text } = await metrics.read();
  for (const line of [
    'trueup_aggregate_drift{aggregate="byScore"} 2',
    'trueup_aggregate_ready{aggregate="byName"} 0',
    'trueup_migration_documents{kind="migration",name="m:all",component="",part="processed"} 7',
    'trueup_migration_documents{kind="migration",name="m:all",component="",part="total"} 9',
    "trueup_migrations_running 1",
    "trueup_migrations_failed 1",
    "trueup_jobs_due 3",
    "trueup_jobs_longest_due_seconds 1.5",
    'trueup_jobs_ended_total{outcome="success"} 5',
  ]) {
    expect(String(text).split("\n")).toContain(line);
  }
  expect(text).not.toContain('drift{aggregate="byName"}');
});

test("a job whose time has come waits where nobody runs jobs, and one of later does not", async () => {
  const soon = actionGeneric({
    handler: async (ctx) => {
      for (const inMs of [0, 0, 60_000]) await ctx.scheduler.runAfter(inMs, fail, {});
    },
  });
  const idle = await openBackend({
    storage: memory(),
    modules: { "convex/f.ts": { ...functions, soon } },
    log: "silent",
    runScheduled: false,
  });
  await idle.action(makeFunctionReference<"action">("f:soon"));
  await expect.poll(async () => (await idle.figures()).jobs.longestDueMs).toBeGreaterThan(0);
  expect((await idle.figures()).jobs).toMatchObject({ due: 2, runningActions: 0 });
  await idle.close();
});
