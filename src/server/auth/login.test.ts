/** Users with tokens of a provider, as the server meets them: over HTTP, over WebSocket, in HTTP actions. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import {
  anyApi,
  httpActionGeneric,
  httpRouter,
  mutationGeneric,
  queryGeneric,
  type AuthConfig,
} from "convex/server";
import { memory, openBackend, type Backend } from "trueup";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { functionSource, pushedModule, pushRequest } from "../../../suites/deploy/hand-made-push.js";
import { Issuer } from "../../../suites/server/issuer.js";
import { startServer, type RunningServer } from "../index.js";

const who = {
  args: {},
  handler: async (ctx: { auth: { getUserIdentity(): Promise<{ subject: string } | null> } }) =>
    (await ctx.auth.getUserIdentity())?.subject ?? null,
};
const functions = {
  who: queryGeneric(who),
  sign: mutationGeneric(who),
  add: mutationGeneric({ args: {}, handler: async (ctx) => void (await ctx.db.insert("rows", {})) }),
  rows: queryGeneric({ args: {}, handler: async (ctx) => (await ctx.db.query("rows").collect()).length }),
};
const http = httpRouter();
http.route({
  path: "/who",
  method: "GET",
  handler: httpActionGeneric(
    async (ctx) => new Response((await ctx.auth.getUserIdentity())?.email ?? "nobody"),
  ),
});

let issuer: Issuer;
let backend: Backend;
let server: RunningServer;

function modules(providers: AuthConfig["providers"]): Record<string, object> {
  return {
    "convex/mod.ts": functions,
    "convex/http.ts": { default: http },
    "convex/auth.config.ts": { default: { providers } },
  };
}

beforeEach(async () => {
  issuer = new Issuer();
  await issuer.open();
  backend = await openBackend({
    storage: memory(),
    modules: modules([{ domain: issuer.url, applicationID: "app" }]) as never,
    log: "silent",
  });
  server = await startServer(backend, { port: 0, adminKeys: ["key"] });
});

afterEach(async () => {
  await server.close();
  await backend.close();
  issuer.close();
  vi.restoreAllMocks();
});

describe("over HTTP", () => {
  test("a query and a mutation are told of the user, and of nobody where no token came", async () => {
    const client = new ConvexHttpClient(server.url, { logger: false });
    expect(await client.query(anyApi["mod"]!["who"]!, {})).toBeNull();
    client.setAuth(await issuer.sign());
    expect(await client.query(anyApi["mod"]!["who"]!, {})).toBe("ada");
    expect(await client.mutation(anyApi["mod"]!["sign"]!, {})).toBe("ada");
  });

  test("a token that does not hold is refused with 401 and a code, and nothing runs", async () => {
    const run = vi.spyOn(backend, "run");
    const token = await issuer.sign({ expiresIn: "-1m" });
    const reply = await fetch(`${server.url}/api/query`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ path: "mod:who", args: {} }),
    });
    expect([reply.status, await reply.json()]).toEqual([
      401,
      { code: "Unauthenticated", message: expect.stringMatching(/expired/) },
    ]);
    expect(run).not.toHaveBeenCalled();
  });

  test("a user is no admin", async () => {
    const headers = { authorization: `Bearer ${await issuer.sign()}` };
    expect((await fetch(`${server.url}/api/environment_variables`, { headers })).status).not.toBe(200);
    const body = JSON.stringify({ path: "mod:who", args: {} });
    expect((await fetch(`${server.url}/api/function`, { method: "POST", headers, body })).status).toBe(401);
  });

  test("an HTTP action is told of the user, and runs for nobody where the header is its own business", async () => {
    const ask = async (authorization?: string): Promise<string> =>
      await (
        await fetch(`${server.url}/http/who`, { headers: { ...(authorization && { authorization }) } })
      ).text();
    expect(await ask(`Bearer ${await issuer.sign()}`)).toBe("ada@example.com");
    expect(await ask(`Bearer ${await issuer.sign({ expiresIn: "-1m" })}`)).toBe("nobody");
    expect(await ask("Bearer sk_live_of_another_service")).toBe("nobody");
    expect(await ask("Basic YTpi")).toBe("nobody");
    expect(await ask()).toBe("nobody");
  });

  test("a deploy changes the providers in the commit that changes the code", async () => {
    const client = new ConvexHttpClient(server.url, { logger: false });
    client.setAuth(await issuer.sign());
    const { programFromModules } = await import("trueup");
    await backend.activate(await programFromModules({ modules: modules([]) as never }));
    await expect(client.query(anyApi["mod"]!["who"]!, {})).rejects.toThrow(/NoAuthProvider/);
  });
});

test("an app that is its own provider is so at the address that the server has since this start", async () => {
  await server.close();
  const own = await openBackend({ storage: memory(), log: "silent" });
  const start = (publicSiteUrl: string): Promise<RunningServer> =>
    startServer(own, { port: 0, publicSiteUrl });
  const isKnown = async ({ url }: RunningServer): Promise<boolean> => {
    const client = new ConvexHttpClient(url, { logger: false });
    client.setAuth(await issuer.sign());
    return await client.query(anyApi["mod"]!["who"]!, {}).then(
      (name) => name === "ada",
      () => false,
    );
  };
  let running = await start("https://old.example");
  try {
    const startPush = await own.deploy.startPush(
      pushRequest({
        modules: [
          pushedModule(
            "mod.js",
            `export const who = ${functionSource("Query", "return (await ctx.auth.getUserIdentity()).subject;")};`,
          ),
          pushedModule(
            "auth.config.js",
            `export default { providers: [{ domain: process.env.CONVEX_SITE_URL, applicationID: "app" }] };`,
          ),
        ],
      }),
    );
    await own.deploy.finishPush({ startPush, dryRun: false });
    expect(await isKnown(running)).toBe(false);
    await running.close();
    running = await start(issuer.url);
    expect(await isKnown(running)).toBe(true);
    const activated = vi.fn<() => void>();
    own.deploy.onActivated(activated);
    await running.close();
    running = await start(issuer.url);
    expect(await isKnown(running)).toBe(true);
    expect(activated).not.toHaveBeenCalled();
  } finally {
    await running.close();
    await own.close();
  }
});

describe("over WebSocket, the official client", () => {
  let client: ConvexClient;
  const seen: unknown[] = [];
  const changes: boolean[] = [];

  beforeEach(() => {
    seen.length = 0;
    changes.length = 0;
    client = new ConvexClient(server.url, {
      webSocketConstructor: WebSocket as never,
      logger: false,
      unsavedChangesWarning: false,
    });
  });

  afterEach(async () => {
    await client.close();
  });

  const watch = (): void => void client.onUpdate(anyApi["mod"]!["who"]!, {}, (value) => seen.push(value));
  const watchRows = (): void =>
    void client.onUpdate(anyApi["mod"]!["rows"]!, {}, (value) => seen.push(value));

  test("is the user from the first answer on, and nobody after it has signed out", async () => {
    // Once its first token has held, the client fetches a fresh one, and would come back with that after it has signed out.
    const token = await issuer.sign();
    client.setAuth(
      () => Promise.resolve(token),
      (isAuthenticated) => changes.push(isAuthenticated),
    );
    watch();
    await expect.poll(() => seen).toEqual(["ada"]);
    expect(await client.mutation(anyApi["mod"]!["sign"]!, {})).toBe("ada");
    expect(new Set(changes)).toEqual(new Set([true]));
    client.client.clearAuth();
    await expect.poll(() => seen).toEqual(["ada", null]);
  });

  test("gets another token when its own has expired while it was connected", async () => {
    let fetched = 0;
    const token = async (): Promise<string> =>
      await issuer.sign({ claims: { sub: `ada ${++fetched}` }, expiresIn: "-4s" });
    client.setAuth(token, (isAuthenticated) => changes.push(isAuthenticated));
    watch();
    await expect.poll(() => fetched > 0 && seen.at(-1) === `ada ${fetched}`).toBe(true);
    const before = fetched;
    await expect.poll(() => fetched).toBeGreaterThan(before);
  });

  test("is shown what its mutation did before that is acknowledged, also while it brings another token", async () => {
    watchRows();
    for (let written = 1; written <= 60; written++) {
      const added = client.mutation(anyApi["mod"]!["add"]!, {});
      client.setAuth(() => issuer.sign());
      await added;
      expect(seen.at(-1)).toBe(written);
    }
  });

  test("gives up, and says so, when no token of it holds", async () => {
    client.setAuth(
      () => issuer.sign({ claims: { aud: "another" } }),
      (isAuthenticated) => changes.push(isAuthenticated),
    );
    watch();
    await expect.poll(() => changes).toContain(false);
    await expect.poll(() => seen).toEqual([null]);
  });
});
