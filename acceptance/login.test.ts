/** Users log in at providers that others have made: `@convex-dev/auth` in the app itself, and an OpenID Connect server. */
import { join, resolve } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { fetchAction, fetchMutation, fetchQuery, preloadQuery, preloadedQueryResult } from "convex/nextjs";
import { anyApi } from "convex/server";
import { exportJWK, exportPKCS8, generateKeyPair } from "jose";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memory, openBackend, type Backend } from "trueup";
import { startServer, type RunningServer } from "../src/server/index.js";
import { launchChromium, serveFolder } from "./setup/chromium.js";
import { CliApp } from "./setup/cli-app.js";
import { LoginProvider } from "./setup/login-provider.js";

const adminKey = "trueup|0123456789abcdef";

let backend: Backend;
let server: RunningServer;

beforeAll(async () => {
  backend = await openBackend({ storage: memory(), log: "silent" });
  server = await startServer(backend, { port: 0, adminKeys: [adminKey] });
});

afterAll(async () => {
  await server.close();
  await backend.close();
});

/** Pushes an app by the official CLI. */
async function deploy(app: CliApp): Promise<void> {
  app.write({
    ".env.local": `CONVEX_SELF_HOSTED_URL=${server.url}\nCONVEX_SELF_HOSTED_ADMIN_KEY='${adminKey}'\n`,
  });
  const { code, stderr } = await app.runOfficial(["deploy", "--typecheck", "disable"]);
  if (code !== 0) throw new Error(stderr);
}

describe("@convex-dev/auth, set up as its manual says", () => {
  const app = new CliApp({
    "convex/auth.config.ts": `
      export default { providers: [{ domain: process.env.CONVEX_SITE_URL!, applicationID: "convex" }] };`,
    "convex/auth.ts": `
      import { Password } from "@convex-dev/auth/providers/Password";
      import { convexAuth } from "@convex-dev/auth/server";
      export const { auth, signIn, signOut, store, isAuthenticated } = convexAuth({ providers: [Password] });`,
    "convex/http.ts": `
      import { httpRouter } from "convex/server";
      import { auth } from "./auth";
      const http = httpRouter();
      auth.addHttpRoutes(http);
      export default http;`,
    "convex/schema.ts": `
      import { defineSchema } from "convex/server";
      import { authTables } from "@convex-dev/auth/server";
      export default defineSchema({ ...authTables });`,
    "convex/users.ts": `
      import { getAuthUserId } from "@convex-dev/auth/server";
      import { queryGeneric as query } from "convex/server";
      export const me = query({
        args: {},
        handler: async (ctx) => {
          const id = await getAuthUserId(ctx);
          return id === null ? null : (await ctx.db.get(id)).email;
        },
      });`,
  });
  const client = (token?: string): ConvexHttpClient => {
    const made = new ConvexHttpClient(server.url, { logger: false });
    if (token !== undefined) made.setAuth(token);
    return made;
  };
  const me = (token?: string): Promise<unknown> => client(token).query(anyApi["users"]!["me"]!, {});

  interface SignedIn {
    readonly tokens: { readonly token: string; readonly refreshToken: string } | null;
  }

  const signIn = async (args: object): Promise<{ token: string; refreshToken: string }> => {
    const { tokens } = (await client().action(anyApi["auth"]!["signIn"]!, args)) as SignedIn;
    if (tokens === null) throw new Error("it gave no tokens");
    return tokens;
  };
  const withPassword = (flow: string, password = "correct horse"): object => ({
    provider: "password",
    params: { email: "ada@example.com", password, flow },
  });

  beforeAll(async () => {
    const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
    await backend.deploy.updateEnvironment([
      { name: "JWT_PRIVATE_KEY", value: (await exportPKCS8(privateKey)).trimEnd().replaceAll("\n", " ") },
      { name: "JWKS", value: JSON.stringify({ keys: [{ use: "sig", ...(await exportJWK(publicKey)) }] }) },
      { name: "SITE_URL", value: "http://localhost:5173" },
    ]);
    await deploy(app);
  }, 60_000);

  afterAll(() => app.remove());

  test("signs up, in, on with a refresh token, and out", async () => {
    expect(await me()).toBeNull();
    const { token } = await signIn(withPassword("signUp"));
    expect(await me(token)).toBe("ada@example.com");
    await expect(signIn(withPassword("signIn", "wrong horse"))).rejects.toThrow(/InvalidSecret/);
    const again = await signIn(withPassword("signIn"));
    expect(await me(again.token)).toBe("ada@example.com");
    const fresh = await signIn({ refreshToken: again.refreshToken });
    expect(await me(fresh.token)).toBe("ada@example.com");
    await client(fresh.token).action(anyApi["auth"]!["signOut"]!, {});
    await expect(signIn({ refreshToken: fresh.refreshToken })).rejects.toThrow(/gave no tokens/);
  });

  test("takes no token that it has not signed", async () => {
    const { token } = await signIn(withPassword("signIn"));
    const [header, claims, signature = ""] = token.split(".");
    const forged = `${header}.${claims}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    await expect(me(forged)).rejects.toThrow(/Unauthenticated/);
  });
});

describe("an OpenID Connect server", () => {
  const redirect = "http://127.0.0.1:1/callback";
  const app = new CliApp({
    "convex/auth.config.ts": `
      export default { providers: [{ domain: process.env.ISSUER!, applicationID: "app" }] };`,
    "convex/users.ts": `
      import { actionGeneric as action, anyApi, mutationGeneric as mutation, queryGeneric as query } from "convex/server";
      export const me = query({ args: {}, handler: (ctx) => ctx.auth.getUserIdentity() });
      export const visit = mutation({
        args: {},
        handler: async (ctx) => {
          const { email } = await ctx.auth.getUserIdentity();
          await ctx.db.insert("visits", { email });
          return email;
        },
      });
      export const visits = query({
        args: {},
        handler: async (ctx) => (await ctx.db.query("visits").collect()).map(({ email }) => email),
      });
      export const greet = action({
        args: {},
        handler: async (ctx) => "Hello " + (await ctx.runQuery(anyApi.users.me, {})).name,
      });`,
  });
  const users = anyApi["users"]!;
  let site: Awaited<ReturnType<typeof serveFolder>>;
  let provider: LoginProvider;

  beforeAll(async () => {
    const page = join(app.root, "page");
    site = await serveFolder(page);
    provider = await LoginProvider.open([redirect, `${site.url}/`], 12);
    await build({ root: resolve("acceptance/login-page"), logLevel: "error", build: { outDir: page } });
    await backend.deploy.updateEnvironment([{ name: "ISSUER", value: provider.issuer }]);
    await deploy(app);
  }, 120_000);

  afterAll(async () => {
    site.close();
    provider.close();
    await app.remove();
  });

  test("is asked for its keys, and its users are who its tokens say", async () => {
    const client = new ConvexHttpClient(server.url, { logger: false });
    client.setAuth(await provider.logIn("ada", redirect));
    expect(await client.query(users["me"]!, {})).toMatchObject({
      tokenIdentifier: `${provider.issuer}|ada`,
      subject: "ada",
      email: "ada@example.com",
      emailVerified: true,
      name: "Ada Lovelace",
    });
  });

  test("lets in whom a Next.js server calls for", async () => {
    const options = { url: server.url, token: await provider.logIn("grace", redirect) };
    expect(await fetchMutation(users["visit"]!, {}, options)).toBe("grace@example.com");
    expect(await fetchQuery(users["visits"]!, {}, options)).toEqual(["grace@example.com"]);
    expect(await fetchAction(users["greet"]!, {}, options)).toBe("Hello Ada Lovelace");
    const preloaded = await preloadQuery(users["me"]!, {}, options);
    expect(preloadedQueryResult(preloaded)).toMatchObject({ email: "grace@example.com" });
    expect(await fetchQuery(users["me"]!, {}, { url: server.url })).toBeNull();
    await expect(fetchQuery(users["me"]!, {}, { url: server.url, token: "none" })).rejects.toThrow(/Invalid/);
  });

  test("lets in a page of React, with a new token before each one ends, until the user or the provider ends it", async () => {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(60_000);
      await page.addInitScript((servers) => Object.assign(globalThis, { servers }), {
        convex: server.url,
        issuer: provider.issuer,
      });
      const granted: unknown[] = [];
      page.on("response", (response) => {
        if (response.url() === `${provider.issuer}/token` && response.ok()) granted.push(response);
      });
      const until = (who: string, state: string): Promise<unknown> =>
        Promise.all([
          page.getByTestId("me").filter({ hasText: who }).waitFor(),
          page.getByRole("status").filter({ hasText: state }).waitFor(),
        ]);
      const logIn = async (): Promise<void> => {
        await page.getByRole("button", { name: "Log in" }).click();
        await page.getByPlaceholder("Enter any login").fill("ada");
        await page.getByPlaceholder("and password").fill("any");
        await page.getByRole("button", { name: "Sign-in" }).click();
        await page.getByRole("button", { name: "Continue" }).click();
        await until("ada@example.com", "In");
      };
      await page.goto(site.url);
      await until("nobody", "Out");
      await logIn();
      // The first token comes with the code, every other one for the client, which asks before the one it has ends.
      await expect.poll(() => granted.length, { timeout: 60_000 }).toBeGreaterThan(2);
      await page.getByRole("button", { name: "Visit" }).click();
      await page.getByTestId("visits").filter({ hasText: "grace@example.com,ada@example.com" }).waitFor();
      await until("ada@example.com", "In");

      await page.getByRole("button", { name: "Log out" }).click();
      await until("nobody", "Out");

      await page.context().clearCookies();
      await logIn();
      await provider.revokeAll();
      await until("nobody", "Out");
    } finally {
      await browser.close();
    }
  }, 180_000);
});
