import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { actionGeneric, makeFunctionReference, mutationGeneric, queryGeneric } from "convex/server";
import { afterEach, expect, test, vi } from "vitest";
import { isTrueupError, memory, openBackend, type Backend } from "trueup";

let release: () => void = () => {};
let began = 0;
const functions = {
  add: mutationGeneric({ handler: async (ctx) => void (await ctx.db.insert("rows", {})) }),
  count: queryGeneric({ handler: async (ctx) => (await ctx.db.query("rows").collect()).length }),
  wait: actionGeneric({
    handler: async () => {
      began += 1;
      await new Promise<void>((resolve) => (release = resolve));
      return "waited";
    },
  }),
};
const count = makeFunctionReference<"query">("f:count");
const add = makeFunctionReference<"mutation">("f:add");
const wait = makeFunctionReference<"action">("f:wait");

let backend: Backend;
const open = async (): Promise<Backend> =>
  (backend = await openBackend({ storage: memory(), modules: { "convex/f.ts": functions }, log: "silent" }));
afterEach(async () => {
  vi.useRealTimers();
  release();
  await backend.close();
});

const codeOf = (thrown: unknown): string => (isTrueupError(thrown) ? thrown.code : String(thrown));

test("a backend in the process serves official clients over HTTP and WebSockets, beside direct calls", async () => {
  await open();
  const { url, port } = await backend.listen({ port: 0 });
  expect(url).toBe(`http://127.0.0.1:${port}`);
  const client = new ConvexClient(url);
  const seen: unknown[] = [];
  client.onUpdate(count, {}, (value) => void seen.push(value));
  await expect.poll(() => seen.at(-1)).toBe(0);
  await backend.mutation(add);
  await expect.poll(() => seen.at(-1)).toBe(1);
  await new ConvexHttpClient(url).mutation(add);
  await expect.poll(() => seen.at(-1)).toBe(2);
  expect(await backend.query(count)).toBe(2);
  await client.close();
});

test("a key that the backend makes lets its holder in as an admin", async () => {
  await open();
  const { url } = await backend.listen({ port: 0 });
  const key = await backend.keys.add("me");
  const ask = (authorization: string): Promise<Response> =>
    fetch(`${url}/api/v1/get_canonical_urls`, { headers: { authorization } });
  expect((await ask(`Convex ${key}`)).status).toBe(200);
  expect((await ask("Convex me|none")).status).toBe(403);
});

test("closing the backend answers the calls of its clients first, then ends its servers, then the data", async () => {
  await open();
  const server = await backend.listen({ port: 0 });
  const other = await backend.listen({ port: 0 });
  const before = began;
  const waiting = new ConvexHttpClient(server.url).action(wait);
  await expect.poll(() => began).toBe(before + 1);
  const closing = backend.close();
  release();
  expect(await waiting).toBe("waited");
  await closing;
  await expect(fetch(server.url)).rejects.toThrow("fetch failed");
  await expect(fetch(other.url)).rejects.toThrow("fetch failed");
  await expect(backend.listen({ port: 0 }).catch(codeOf)).resolves.toBe("BACKEND_CLOSED");
  await server.close();
});

test("a server that is closed leaves the backend to those that remain", async () => {
  await open();
  const first = await backend.listen({ port: 0 });
  const second = await backend.listen({ port: 0 });
  await first.close();
  await first.close();
  expect(await new ConvexHttpClient(second.url).query(count)).toBe(0);
  expect(await backend.query(count)).toBe(0);
});

test("a port that is taken is a coded error, and the backend goes on and closes", async () => {
  await open();
  const { port } = await backend.listen({ port: 0 });
  await expect(backend.listen({ port }).catch(codeOf)).resolves.toBe("PORT_IN_USE");
  expect(await backend.query(count)).toBe(0);
});

test("a client that has seen later data than there is goes on with what there is, and the log says so", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
  await open();
  await backend.mutation(add);
  const server = await backend.listen({ port: 0 });
  const { url, port } = server;
  const client = new ConvexClient(url, { logger: false });
  const seen: unknown[] = [];
  client.onUpdate(count, {}, (value) => void seen.push(value));
  await expect.poll(() => seen.at(-1)).toBe(1);
  await server.close();
  await backend.close();
  vi.useRealTimers();
  await open();
  const lines: string[] = [];
  await backend.listen({ port, log: (line) => void lines.push(line) });
  await expect.poll(() => seen.at(-1), { timeout: 20_000 }).toBe(0);
  expect(lines).toEqual([
    expect.stringMatching(/^A client has seen the data as of .* put back to an earlier state/),
  ]);
  await client.mutation(add, {});
  await expect.poll(() => seen.at(-1)).toBe(1);
  await client.close();
});

test.each([
  ["storage", { storage: "app.sqlite" }, /`storage` takes/],
  ["log", { log: "print" }, /`log` takes "console", "silent" or a function/],
  ["limits", { limits: "some" }, /`limits` takes/],
])("a value that `%s` does not take is refused before anything is opened", async (_name, wrong, message) => {
  const options = { storage: memory(), ...wrong } as unknown as Parameters<typeof openBackend>[0];
  await expect(openBackend(options)).rejects.toMatchObject({
    code: "INVALID_OPTIONS",
    message: expect.stringMatching(message),
  });
});

test.each([-1, 1.5, 70_000, NaN])("a server does not listen on port %s", async (port) => {
  await open();
  await expect(backend.listen({ port })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
});
