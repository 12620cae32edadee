/** How a server ends on a signal, as the official client and its user see it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConvexClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { functionSource, pushedModule, pushRequest } from "../suites/deploy/hand-made-push.js";
import { CliApp, type RunningCli } from "./setup/cli-app.js";

const source = `
  export const add = ${functionSource("Mutation", 'return await ctx.db.insert("items", { n: args.n });')};
  export const list = ${functionSource("Query", 'return (await ctx.db.query("items").collect()).map(({ n }) => n);')};
  export const hang = ${functionSource("Action", "await new Promise((resolve) => setTimeout(resolve, 60_000));")};`;

const add = makeFunctionReference<"mutation", { n: number }>("app:add");
const list = makeFunctionReference<"query", Record<string, never>, number[]>("app:list");
const hang = makeFunctionReference<"action">("app:hang");

const webSocketConstructor = WebSocket as unknown as typeof globalThis.WebSocket;
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Server {
  readonly url: string;
  readonly running: RunningCli;
}

async function serve(app: CliApp, port = 0): Promise<Server> {
  const running = app.start(["dev", "--no-push", "--port", String(port), "--json"]);
  const { url } = JSON.parse(await running.firstLine) as { url: string };
  return { url, running };
}

async function newApp(): Promise<{ app: CliApp; server: Server }> {
  const app = new CliApp({ "convex/placeholder.ts": "export {};\n" });
  cleanUps.push(() => app.remove());
  const server = await serve(app);
  const adminKey = readFileSync(join(app.root, ".trueup", "admin-key"), "utf8").trim();
  const post = async (path: string, body: object): Promise<unknown> => {
    const headers = { Authorization: `Convex ${adminKey}` };
    const sent = { method: "POST", headers, body: JSON.stringify(body) };
    return await (await fetch(server.url + path, sent)).json();
  };
  const push = pushRequest({ modules: [pushedModule("app.js", source)] });
  const startPush = await post("/api/deploy2/start_push", push);
  await post("/api/deploy2/finish_push", { startPush, dryRun: false, message: null });
  return { app, server };
}

function connect(url: string): ConvexClient {
  const client = new ConvexClient(url, { webSocketConstructor, logger: false });
  cleanUps.push(() => client.close());
  return client;
}

/** Resolves with how a server ended, and how long that took since the signal. */
async function signalled({ running }: Server, signal: NodeJS.Signals): Promise<[number | null, number]> {
  const begunAtMs = performance.now();
  running.kill(signal);
  const { code } = await running.result;
  return [code, performance.now() - begunAtMs];
}

test("a signal ends a server in time while clients watch and write, and they go on with the next one", async () => {
  const { app, server } = await newApp();
  const clients = [connect(server.url), connect(server.url), connect(server.url)];
  const seen: number[][] = clients.map(() => []);
  clients.forEach((client, at) => client.onUpdate(list, {}, (found) => (seen[at] = found)));
  const acknowledged = new Set<number>();
  let isWriting = true;
  let sent = 0;
  const write = async (client: ConvexClient): Promise<void> => {
    while (isWriting) {
      const n = ++sent;
      await client.mutation(add, { n });
      acknowledged.add(n);
    }
  };
  // A client sends its mutations ahead, so that some of them wait for their turn.
  const writers = clients.flatMap((client) => Array.from({ length: 20 }, () => write(client)));
  await expect.poll(() => acknowledged.size).toBeGreaterThan(300);
  const [code, tookMs] = await signalled(server, "SIGTERM");
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(5_000);
  const before = acknowledged.size;
  const next = await serve(app, Number(new URL(server.url).port));
  await expect.poll(() => acknowledged.size).toBeGreaterThan(before + 10);
  isWriting = false;
  await Promise.all(writers);
  const inOrder = (numbers: Iterable<number>): number[] => [...numbers].toSorted((a, b) => a - b);
  for (const at of clients.keys()) {
    await expect.poll(() => inOrder(seen[at] ?? [])).toEqual(inOrder(acknowledged));
  }
  expect((await signalled(next, "SIGINT"))[0]).toBe(0);
});

test("a call that does not end is given up after five seconds, and a second signal ends the server at once", async () => {
  const { app, server } = await newApp();
  /** Watches, and has an action under way that takes a minute. */
  const keepBusy = async (url: string): Promise<void> => {
    const client = connect(url);
    client.onUpdate(list, {}, () => {});
    client.action(hang, {}).catch(() => {});
    await client.mutation(add, { n: 0 });
  };
  await keepBusy(server.url);
  const [code, tookMs] = await signalled(server, "SIGTERM");
  expect(code).toBe(0);
  expect(tookMs).toBeGreaterThan(3_000);
  expect(tookMs).toBeLessThan(8_000);

  const second = await serve(app);
  await keepBusy(second.url);
  second.running.kill("SIGTERM");
  const again = setTimeout(() => second.running.kill("SIGTERM"), 300);
  expect((await second.running.result).code).toBe(143);
  clearTimeout(again);
}, 60_000);
