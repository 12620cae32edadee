import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CliApp } from "./setup/cli-app.js";

const files = {
  "convex/schema.ts": `
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({
  names: defineTable({ name: v.string(), length: v.optional(v.number()) }),
  ticks: defineTable({ left: v.number() }),
});
`,
  "convex/convex.config.ts": `
import { defineApp } from "convex/server";
import migrations from "trueup/migrations/convex.config";
const app = defineApp();
app.use(migrations);
export default app;
`,
  "convex/names.ts": `
import { anyApi, internalMutationGeneric as internalMutation, mutationGeneric as mutation, queryGeneric as query } from "convex/server";
import { ConvexError, v } from "convex/values";
export const add = mutation({
  args: { name: v.string() },
  handler: async (ctx, { name }) => {
    console.log("adding", name);
    await ctx.db.insert("names", { name });
    return { added: name, size: 1n };
  },
});
export const list = query({ handler: async (ctx) => (await ctx.db.query("names").collect()).map((doc) => doc.name) });
export const ticks = query({ handler: async (ctx) => (await ctx.db.query("ticks").collect()).length });
export const whoAmI = query({ handler: async (ctx) => (await ctx.auth.getUserIdentity())?.name ?? null });
export const refuse = mutation({
  handler: async (ctx) => {
    await ctx.db.insert("names", { name: "half-written" });
    throw new ConvexError({ reason: "no" });
  },
});
export const dive = mutation({
  args: { depth: v.number() },
  handler: async (ctx, { depth }) => {
    if (depth === 0) [1].map(() => { throw new Error("deep"); });
    await ctx.runMutation(anyApi.names.dive, { depth: depth - 1 });
  },
});
export const countDown = internalMutation({
  args: { left: v.number(), failsAt: v.optional(v.number()) },
  handler: async (ctx, { left, failsAt }) => {
    if (left === failsAt) throw new Error("stumbled");
    await ctx.db.insert("ticks", { left });
    if (left > 0) await ctx.scheduler.runAfter(0, anyApi.names.countDown, { left: left - 1, failsAt });
    return left;
  },
});
`,
  "convex/migrations.ts": `
import { Migrations } from "trueup/migrations";
import { componentsGeneric } from "convex/server";
const migrations = new Migrations(componentsGeneric().migrations as any);
export const measure = migrations.define({
  table: "names",
  migrateOne: (_ctx, doc) => ({ length: (doc.name as string).length }),
});
export const stumble = migrations.define({
  table: "names",
  migrateOne: () => {
    throw new Error("stumbled");
  },
});
export const run = migrations.runner();
`,
};

let app: CliApp;

beforeAll(async () => {
  app = new CliApp({ ...files, ".env.local": "# mine\nOTHER='kept'\n" });
  const pushed = await app.run(["dev", "--once", "--port", "0"]);
  if (pushed.code !== 0) throw new Error(`The push failed.\n${pushed.stdout}${pushed.stderr}`);
}, 120_000);

afterAll(() => app.remove());

test("dev --once pushes, and leaves the address and key in .env.local beside what was there", () => {
  const env = readFileSync(join(app.root, ".env.local"), "utf8");
  expect(env).toMatch(/^# mine\nOTHER='kept'\nCONVEX_SELF_HOSTED_URL='http:\/\/127\.0\.0\.1:\d+'\n/);
  const key = readFileSync(join(app.root, ".trueup/admin-key"), "utf8").trim();
  expect(env).toContain(`CONVEX_SELF_HOSTED_ADMIN_KEY='${key}'`);
  expect(statSync(join(app.root, ".trueup/admin-key")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(app.root, ".trueup/.gitignore"), "utf8")).toBe("*\n");
});

describe("without a server", () => {
  test("run prints the value to stdout and the function's log to stderr", async () => {
    const added = await app.run(["run", "names:add", '{"name":"Ann"}']);
    expect(added).toMatchObject({ code: 0, stderr: expect.stringContaining("adding") });
    expect(JSON.parse(added.stdout)).toEqual({ added: "Ann", size: { $integer: "AQAAAAAAAAA=" } });
    const listed = await app.run(["run", "api.names.list", "--json"]);
    expect(JSON.parse(listed.stdout)).toMatchObject({ status: "success", value: ["Ann"] });
  });

  test("run follows scheduled work to its end, or leaves it with --detach", async () => {
    const followed = await app.run(["run", "names:countDown", "{left: 20}", "--json"]);
    expect(followed.code, followed.stderr).toBe(0);
    expect(JSON.parse(followed.stdout)).toMatchObject({
      value: 20,
      work: { succeeded: 20, failed: 0, pending: 0 },
    });
    expect((await app.run(["run", "names:ticks"])).stdout).toBe("21\n");
    const detached = await app.run(["run", "names:countDown", "{left: 1}", "--detach"]);
    expect(detached).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("1 scheduled function is left"),
    });
  });

  test("work that fails later makes the run fail", async () => {
    const failed = await app.run(["run", "names:countDown", "{left: 3, failsAt: 1}"]);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/error SCHEDULED_WORK_FAILED: .*stumbled/);
  });

  test("a function that throws has a code, its data, and no effect", async () => {
    const refused = await app.run(["run", "names:refuse", "--json"]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error FUNCTION_FAILED: /m) });
    expect(JSON.parse(refused.stdout)).toMatchObject({
      status: "error",
      details: { data: { reason: "no" } },
    });
    expect(JSON.parse((await app.run(["run", "names:list"])).stdout)).toEqual(["Ann"]);
  });

  test("an error names the app's own lines, through however many calls it came", async () => {
    const { stderr } = await app.start(["run", "names:dive", "{depth: 6}"]).result;
    expect(stderr.match(/^ +at handler \(.*names\.ts:\d+:\d+\)$/gm)).toHaveLength(7);
    expect(stderr).not.toContain("<anonymous>)");
  });

  test("identity reaches the function", async () => {
    const me = await app.run(["run", "names:whoAmI", "--identity", "{name: 'Ann'}"]);
    expect(me.stdout).toBe('"Ann"\n');
  });

  test("a migration runs to its end and is listed; one that fails makes the run fail", async () => {
    const measured = await app.run(["run", "migrations:run", '{"fn":"migrations:measure"}']);
    expect(measured.code, measured.stderr).toBe(0);
    const stumbled = await app.run(["run", "migrations:stumble"]);
    expect(stumbled.code).toBe(1);
    expect(stumbled.stderr).toMatch(
      /error SCHEDULED_WORK_FAILED: The migration migrations:stumble failed: .*stumbled/,
    );
    expect(JSON.parse((await app.run(["migrations", "--json"])).stdout)).toMatchObject([
      { name: "migrations:measure", state: "success", processed: 1, total: 1 },
      { name: "migrations:stumble", state: "failed", lastError: expect.stringContaining("stumbled") },
    ]);
    const table = (await app.run(["migrations"])).stdout;
    expect(table).toMatch(
      /^migration +state .*\nmigrations:measure +done +1 +1 .*\nmigrations:stumble +failed /,
    );
  });
});

describe("bad input", () => {
  test.each([
    [["run", "names:add", '{"name":"Ann"'], 64, /^error MALFORMED_JSON: .* at line 1, column 14/],
    [["run", "names:add", "[1]"], 64, /^error INVALID_USAGE: /],
    [["run", "names:nothing"], 1, /^error FUNCTION_NOT_FOUND: .*names:nothing/s],
    [["run", "names:add", '{"name":1}'], 1, /^error INVALID_ARGUMENTS: .*name/s],
    [["run", "names:add", "{name:'x'}", "--watch"], 1, /^error FUNCTION_WRONG_KIND: /],
    [["run"], 64, /^error INVALID_USAGE: missing required argument/],
    [["migratons"], 64, /^error INVALID_USAGE: .*migrations/],
    [["keys"], 64, /^error INVALID_USAGE: A command is missing/],
    [["dev", "--port", "x"], 64, /^error INVALID_USAGE: .*A port is a number/],
    [["migrations", "--component", "nowhere"], 1, /^error COMPONENT_MISSING: .*nowhere/s],
  ])("%j", async (args, code, message) => {
    const result = await app.run(args);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toMatch(message);
    expect(result.stderr).toMatch(/^hint: .+$/m);
  });

  test("code that does not compile is told as the official CLI tells it, and changes nothing", async () => {
    app.write({ "convex/broken.ts": "export const x = ;\n" });
    const pushed = await app.run(["dev", "--once", "--port", "0"], { CI: "" });
    rmSync(join(app.root, "convex/broken.ts"));
    expect(pushed.code).toBe(1);
    expect(pushed.stderr).toMatch(/broken\.ts:1:17[\s\S]*error OFFICIAL_CLI_FAILED: /);
  });

  test("nothing was written by any of it", async () => {
    expect(JSON.parse((await app.run(["run", "names:list"])).stdout)).toEqual(["Ann"]);
  });
});

describe("a folder or an environment that does not fit", () => {
  let other: CliApp;
  beforeAll(() => {
    other = new CliApp({ "convex/a.ts": "export {};\n" });
  });
  afterAll(() => other.remove());

  test("run before anything was pushed", async () => {
    expect(await other.run(["run", "a:b"])).toMatchObject({
      code: 66,
      stderr: expect.stringMatching(/^error DATA_FILE_MISSING: /),
    });
  });

  test("a cloud deployment, or a server elsewhere, is configured", async () => {
    const cloud = await other.run(["dev", "--once"], { CONVEX_DEPLOYMENT: "dev:happy-animal-123" });
    expect(cloud).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/^error OTHER_BACKEND_CONFIGURED: .*happy-animal/),
    });
    other.write({ ".env.local": "CONVEX_SELF_HOSTED_URL=https://db.example.com\n" });
    expect(await other.run(["dev", "--once"])).toMatchObject({ code: 78 });
    expect(readFileSync(join(other.root, ".env.local"), "utf8")).toBe(
      "CONVEX_SELF_HOSTED_URL=https://db.example.com\n",
    );
  });

  test("no app", async () => {
    writeFileSync(join(other.root, "package.json"), "{}");
    const missing = await other.run(["migrations"]);
    expect(missing).toMatchObject({
      code: 66,
      stderr: expect.stringMatching(/^error APP_NOT_FOUND: .*depend on convex/),
    });
  });
});

describe("with a server", () => {
  const ticks = async (): Promise<number> => Number((await app.run(["run", "names:ticks"])).stdout);

  test("run asks it, a second owner is refused, a wrong key too; kill -9 loses nothing", async () => {
    const server = app.start(["dev", "--no-push", "--port", "0", "--json"]);
    const ready = JSON.parse(await server.firstLine) as { url: string };
    const port = new URL(ready.url).port;

    const added = await app.run(["run", "names:add", '{"name":"Bob"}']);
    expect(added, added.stderr).toMatchObject({ code: 0 });
    expect((await app.runOfficial(["run", "names:list"])).stdout).toContain("Bob");
    const followed = await app.run(["run", "names:countDown", "{left: 5}", "--json"]);
    expect(JSON.parse(followed.stdout)).toMatchObject({ work: { succeeded: 5 } });

    const second = await app.run(["dev", "--no-push", "--port", "0"]);
    expect(second).toMatchObject({ code: 75, stderr: expect.stringMatching(/^error STORAGE_LOCKED: /) });
    const wrong = await app.run(["run", "names:list"], { CONVEX_SELF_HOSTED_ADMIN_KEY: "wrong" });
    expect(wrong).toMatchObject({ code: 77, stderr: expect.stringMatching(/^error ADMIN_KEY_REFUSED: /) });

    const neighbour = new CliApp({ "convex/a.ts": "export {};\n" });
    const taken = await neighbour.run(["dev", "--no-push", "--port", port]);
    expect(taken).toMatchObject({ code: 75, stderr: expect.stringMatching(/^error PORT_IN_USE: /) });
    await neighbour.remove();

    const before = await ticks();
    await app.run(["run", "names:countDown", "{left: 300}", "--detach"]);
    server.kill("SIGKILL");
    await server.result;
    const again = app.start(["dev", "--no-push", "--port", "0", "--json"]);
    await again.firstLine;
    await expect.poll(ticks).toBe(before + 301);
    again.kill("SIGTERM");
    expect(await again.result).toMatchObject({ code: 0 });
    expect(existsSync(join(app.root, ".trueup/server.json"))).toBe(false);
  });
});
