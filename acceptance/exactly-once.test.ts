/** What the official client was told to do happens once, however often the server dies meanwhile. */
import { createServer, type AddressInfo } from "node:net";
import { ConvexClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { CliApp, type RunningCli } from "./setup/cli-app.js";

const app = new CliApp({
  "convex/f.ts": `
    import { mutationGeneric as mutation, queryGeneric as query } from "convex/server";
    export const add = mutation({ handler: async (ctx, { n }) => { await ctx.db.insert("rows", { n }); return n; } });
    export const list = query({ handler: async (ctx) => (await ctx.db.query("rows").collect()).map(({ n }) => n) });`,
});
const key = "operator|0123456789abcdef";
const total = 300;

let port: number;
let running: RunningCli;

const start = async (): Promise<void> => {
  running = app.start(["start", "--data", "data", "--port", String(port), "--site-port", "0"], {
    TRUEUP_ADMIN_KEY: key,
  });
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

beforeAll(async () => {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  ({ port } = probe.address() as AddressInfo);
  await new Promise((resolve) => probe.close(resolve));
  await start();
  app.write({
    ".env.local": `CONVEX_SELF_HOSTED_URL=http://127.0.0.1:${port}\nCONVEX_SELF_HOSTED_ADMIN_KEY='${key}'\n`,
  });
  const { code, stderr } = await app.runOfficial(["deploy", "--typecheck", "disable"]);
  if (code !== 0) throw new Error(stderr);
}, 60_000);

afterAll(() => app.remove());

test("300 mutations while the server is killed three times are 300 rows, each answered with its own", async () => {
  const client = new ConvexClient(`http://127.0.0.1:${port}`, {
    webSocketConstructor: WebSocket as never,
    logger: false,
    unsavedChangesWarning: false,
  });
  try {
    const answers: unknown[] = [];
    const all = Array.from({ length: total }, async (_, n) => {
      answers.push(await client.mutation(anyApi["f"]!["add"]!, { n }));
    });
    for (const share of [0.2, 0.5, 0.8]) {
      while (answers.length < total * share) await new Promise((resolve) => setTimeout(resolve, 1));
      running.kill("SIGKILL");
      await running.result;
      await start();
    }
    await Promise.all(all);
    const numbers = Array.from({ length: total }, (_, n) => n);
    const sorted = (list: unknown): unknown => (list as number[]).toSorted((a, b) => a - b);
    expect(sorted(answers)).toEqual(numbers);
    expect(sorted(await client.query(anyApi["f"]!["list"]!, {}))).toEqual(numbers);
  } finally {
    await client.close();
  }
}, 60_000);
