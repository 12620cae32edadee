import { setTimeout as sleep } from "node:timers/promises";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { functionSource, pushedModule, pushRequest } from "../suites/deploy/hand-made-push.js";
import { CliApp } from "./setup/cli-app.js";

const app = new CliApp({ "convex/placeholder.ts": "export {};\n" });
afterAll(() => app.remove());

interface Server {
  readonly printed: Promise<string>;
  readonly post: (path: string, body: object) => Promise<unknown>;
  readonly kill: () => Promise<void>;
}

/** A server of its own process, which can be killed. */
async function serve(): Promise<Server> {
  const running = app.start(["dev", "--no-push", "--port", "0", "--json"]);
  const { url } = JSON.parse(await running.firstLine) as { url: string };
  const adminKey = readFileSync(join(app.root, ".trueup", "admin-key"), "utf8").trim();
  return {
    printed: running.result.then(({ stderr }) => stderr),
    post: async (path, body) => {
      const headers = { Authorization: `Convex ${adminKey}` };
      const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
      return await response.json();
    },
    kill: async () => {
      running.kill("SIGKILL");
      await running.result;
    },
  };
}

/** Version n of the app: the result of a function and the schema both tell which version it is. */
function version(n: number): object {
  const source = `
    export const version = ${functionSource("Query", `return ${n};`)};
    export const add = ${functionSource("Mutation", 'return await ctx.db.insert("items", { n: args.n });')};`;
  const value = { type: "literal", value: n };
  const documentType = { type: "object", value: { n: { fieldType: value, optional: false } } };
  const tables = [
    { tableName: `items`, indexes: [{ indexDescriptor: `by_${n}`, fields: ["n"] }], documentType },
  ];
  return pushRequest({
    modules: [pushedModule("app.js", source)],
    schema: { schemaValidation: true, tables },
  });
}

async function start({ post }: Server, n: number): Promise<unknown> {
  const startPush = await post("/api/deploy2/start_push", version(n));
  expect(startPush).toHaveProperty("schemaChange");
  const { schemaChange } = startPush as { schemaChange: object };
  const status = await post("/api/deploy2/wait_for_schema", { schemaChange, timeoutMs: 10_000 });
  expect(status).toEqual({ type: "complete" });
  return startPush;
}

async function finish({ post }: Server, startPush: unknown): Promise<void> {
  await post("/api/deploy2/finish_push", { startPush, dryRun: false, message: null });
}

/** Returns the version that runs, after checking that its schema is in force. */
async function running({ post }: Server): Promise<number> {
  const { value } = (await post("/api/function", { path: "app:version", args: {} })) as { value: number };
  const insert = async (n: number): Promise<unknown> =>
    ((await post("/api/function", { path: "app:add", args: { n } })) as { errorCode?: string }).errorCode;
  expect(await insert(value + 1)).toBe("SCHEMA_VIOLATION");
  return value;
}

test("a server killed between the steps of a push has the old program; killed in the last one, the old or the new", async () => {
  let server = await serve();
  await finish(server, await start(server, 1));
  await start(server, 2);
  await server.kill();
  server = await serve();
  expect(await running(server)).toBe(1);

  let current = 1;
  for (let round = 0; round < 4; round++) {
    const startPush = await start(server, current + 1);
    const finishing = finish(server, startPush).catch(() => {});
    await sleep(Math.random() * 30);
    await server.kill();
    await finishing;
    server = await serve();
    const found = await running(server);
    expect([current, current + 1]).toContain(found);
    current = found;
  }
  await server.kill();
});

test("promises and timers that functions forget are told of when they fail, and the server goes on", async () => {
  const server = await serve();
  const forget = functionSource("Action", 'void Promise.reject(new Error("forgotten")); return 1;');
  const leave = functionSource("Action", 'setTimeout(() => { throw new Error("left"); }); return 2;');
  const source = `export const forget = ${forget}; export const leave = ${leave};`;
  const startPush = await server.post(
    "/api/deploy2/start_push",
    pushRequest({ modules: [pushedModule("app.js", source)] }),
  );
  await finish(server, startPush);
  for (const [name, value] of [
    ["forget", 1],
    ["leave", 2],
    ["leave", 2],
    ["forget", 1],
  ] as const) {
    const answer = await server.post("/api/function", { path: `app:${name}`, args: {} });
    expect(answer).toMatchObject({ value });
    await sleep(5);
  }
  await server.kill();
  const printed = await server.printed;
  expect(printed).toMatch(
    /^\[ERROR\] app:forget A promise that nobody awaited was rejected: Uncaught Error: forgotten$/m,
  );
  expect(printed).toMatch(
    /^\[ERROR\] app:leave A callback that outlived its function failed: Uncaught Error: left$/m,
  );
});
