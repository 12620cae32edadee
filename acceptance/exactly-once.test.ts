/** What the official client was told to do happens once, however often the server dies meanwhile. */
import { ConvexClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { AppServer } from "./setup/app-server.js";
import { CliApp } from "./setup/cli-app.js";

const app = new CliApp({
  "convex/f.ts": `
    import { mutationGeneric as mutation, queryGeneric as query } from "convex/server";
    export const add = mutation({ handler: async (ctx, { n }) => { await ctx.db.insert("rows", { n }); return n; } });
    export const list = query({ handler: async (ctx) => (await ctx.db.query("rows").collect()).map(({ n }) => n) });`,
});
const total = 300;

let server: AppServer;

beforeAll(async () => {
  server = await AppServer.start(app);
  await server.deploy();
}, 60_000);

afterAll(() => app.remove());

test("300 mutations while the server is killed three times are 300 rows, each answered with its own", async () => {
  const client = new ConvexClient(server.url, {
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
      await server.kill();
      await server.restart();
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
