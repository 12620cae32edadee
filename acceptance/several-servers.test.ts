/**
 * Servers of one app on one Postgres, behind a proxy that sends everybody to the next of them: what the compose file of
 * docs/production/several runs, as processes of this machine. They are killed again and again.
 */
import { readdirSync, readFileSync } from "node:fs";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { RoundRobin } from "../suites/server/round-robin.js";
import { newPostgresUrl } from "../suites/setup/postgres.js";
import { freePorts } from "./setup/app-server.js";
import { CliApp, type RunningCli } from "./setup/cli-app.js";

const adminKey = "operator|0123456789abcdef";
const password = "secret-of-the-test";
const app = new CliApp({
  "convex/f.ts": `
    import { makeFunctionReference, mutationGeneric as mutation, queryGeneric as query } from "convex/server";
    const later = makeFunctionReference("f:note");
    export const add = mutation({ handler: async (ctx, { n }) => {
      await ctx.db.insert("rows", { n });
      await ctx.scheduler.runAfter(0, later, { n });
      return n;
    } });
    export const note = mutation({ handler: (ctx, { n }) => ctx.db.insert("notes", { n }) });
    const numbers = async (ctx, table) => (await ctx.db.query(table).collect()).map(({ n }) => n);
    export const list = query({ handler: (ctx) => numbers(ctx, "rows") });
    export const notes = query({ handler: (ctx) => numbers(ctx, "notes") });`,
});
const add = makeFunctionReference<"mutation", { n: number }, number>("f:add");
const list = makeFunctionReference<"query", Record<string, never>, number[]>("f:list");
const version = makeFunctionReference<"query", Record<string, never>, number>("g:version");
const notes = makeFunctionReference<"query", Record<string, never>, number[]>("f:notes");

/** A server on a port of its own, which stays the same however often it is killed. */
class SharedServer {
  readonly port: number;
  readonly url: string;
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #running: RunningCli | undefined;

  constructor(
    [port, sitePort]: readonly [number, number],
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#args = ["start", "--port", String(port), "--site-port", String(sitePort), ...args];
    this.#env = env;
  }

  /** Resolves when it is fit to be sent requests. */
  async start(): Promise<void> {
    const running = app.start(this.#args, { TRUEUP_ADMIN_KEY: adminKey, ...this.#env });
    this.#running = running;
    let printed: string | undefined;
    void running.result.then(({ stderr }) => (printed = stderr));
    for (;;) {
      const answer = await fetch(`${this.url}/health`).catch(() => null);
      if (answer?.ok === true) return;
      if (printed !== undefined) throw new Error(`It has ended.\n${printed}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** The command and, once it has one, the process that serves for it. */
  get processes(): number[] {
    const { pid } = this.#running!;
    return [pid, ...childrenOf(pid)];
  }

  /** Kills all of it at once; resolves with what it has printed. */
  async kill(): Promise<string> {
    for (const pid of this.processes) process.kill(pid, "SIGKILL");
    return (await this.#running!.result).stderr;
  }
}

function childrenOf(parent: number): number[] {
  const isChild = (pid: string): boolean => {
    try {
      return /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] === String(parent);
    } catch {
      return false;
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isChild(name))
    .map(Number);
}

function liveClient(url: string): ConvexClient {
  const webSocketConstructor = WebSocket as never;
  return new ConvexClient(url, { webSocketConstructor, logger: false, unsavedChangesWarning: false });
}

let address: string;
let servers: readonly [SharedServer, SharedServer];
let proxy: RoundRobin;

beforeAll(async () => {
  const url = new URL(await newPostgresUrl());
  url.password = password;
  address = url.href;
  const [a = 0, b = 0, c = 0, d = 0] = await freePorts(4);
  proxy = await RoundRobin.start([a, c]);
  const known = ["--public-url", proxy.url];
  servers = [
    new SharedServer([a, b], known, { TRUEUP_STORAGE: address }),
    new SharedServer([c, d], [...known, "--storage", address], {}),
  ];
  await Promise.all(servers.map((server) => server.start()));
  app.write({
    ".env.local": `CONVEX_SELF_HOSTED_URL=${proxy.url}\nCONVEX_SELF_HOSTED_ADMIN_KEY='${adminKey}'\n`,
  });
});

afterAll(async () => {
  await proxy.close();
  await app.remove();
});

test("no list of processes shows the password of a database", () => {
  const lines = servers.flatMap(({ processes }) =>
    processes.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8")),
  );
  expect(lines).toHaveLength(4);
  expect(lines.join("\n")).not.toContain(password);
});

test("code that is pushed through the proxy is on every server at once", async () => {
  const { code, stderr } = await app.runOfficial(["deploy", "--typecheck", "disable"]);
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  for (const { url } of servers) expect(await new ConvexHttpClient(url).query(list, {})).toEqual([]);
});

test("what clients watch on every server is asked again when other code is pushed to one of them", async () => {
  const deploy = async (version: number): Promise<void> => {
    app.write({
      "convex/g.ts": `
        import { queryGeneric as query } from "convex/server";
        export const version = query({ handler: () => ${version} });`,
    });
    expect(await app.runOfficial(["deploy", "--typecheck", "disable"])).toMatchObject({ code: 0 });
  };
  await deploy(1);
  const clients = servers.map(({ url }) => liveClient(url));
  try {
    const seen = clients.map((client) => {
      const versions: number[] = [];
      client.onUpdate(version, {}, (found) => versions.push(found));
      return versions;
    });
    for (const versions of seen) await expect.poll(() => versions).toEqual([1]);
    await deploy(2);
    for (const versions of seen) await expect.poll(() => versions).toEqual([1, 2]);
  } finally {
    for (const client of clients) await client.close();
  }
});

test("mutations of clients whose servers are killed again and again happen once each, and so does what they schedule", async () => {
  const total = 150;
  const clients = [liveClient(proxy.url), liveClient(proxy.url)];
  try {
    const answers: number[] = [];
    const all = Array.from({ length: total }, async (_, n) => {
      answers.push(await clients[n % clients.length]!.mutation(add, { n }));
    });
    for (const [at, share] of [0.2, 0.4, 0.6, 0.8].entries()) {
      while (answers.length < total * share) await new Promise((resolve) => setTimeout(resolve, 5));
      const [hit, other] = at % 2 === 0 ? servers : [servers[1], servers[0]];
      expect(await hit.kill()).not.toContain(password);
      proxy.use(other.port);
      await hit.start();
      proxy.use(...servers.map(({ port }) => port));
    }
    await Promise.all(all);
    const numbers = Array.from({ length: total }, (_, n) => n);
    const sorted = (found: readonly number[]): number[] => found.toSorted((x, y) => x - y);
    expect(sorted(answers)).toEqual(numbers);
    for (const { url } of servers) {
      expect(sorted(await new ConvexHttpClient(url).query(list, {}))).toEqual(numbers);
    }
    // Those of a killed server are taken over when it has not been heard of for ten seconds.
    const noted = async (): Promise<number[]> =>
      sorted(await new ConvexHttpClient(proxy.url).query(notes, {}));
    await expect.poll(async () => (await noted()).length, { timeout: 60_000 }).toBe(total);
    expect(await noted()).toEqual(numbers);
  } finally {
    for (const client of clients) await client.close();
  }
});

test("commands open the database beside the servers", async () => {
  const env = { TRUEUP_STORAGE: address };
  const ran = await app.run(["run", "f:add", '{"n":1000}', "--json", "--detach"], env);
  expect([ran.code, JSON.parse(ran.stdout)]).toMatchObject([0, { status: "success", value: 1000 }]);
  for (const { url } of servers) expect(await new ConvexHttpClient(url).query(list, {})).toContain(1000);
  const made = await app.run(["keys", "add", "ci", "--storage", address]);
  const key = made.stdout.trim();
  for (const { url } of servers) {
    const headers = { authorization: `Convex ${key}` };
    expect((await fetch(`${url}/metrics`, { headers })).status).toBe(200);
  }
  const checked = await app.run(["check", "--json"], env);
  expect([checked.code, JSON.parse(checked.stdout)]).toMatchObject([0, { remaining: 0 }]);
});
