/** Users log in at providers that others have made: `@convex-dev/auth` in the app itself, and an OpenID Connect server. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { exportJWK, exportPKCS8, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memory, openBackend, type Backend } from "trueup";
import { startServer, type RunningServer } from "../src/server/index.js";
import { CliApp } from "./setup/cli-app.js";

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
  let listening: Server;
  let issuer: string;
  const redirect = "http://127.0.0.1:1/callback";

  beforeAll(async () => {
    listening = createServer();
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    issuer = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: "app",
          token_endpoint_auth_method: "none",
          redirect_uris: [redirect],
          response_types: ["id_token"],
          grant_types: ["implicit"],
          application_type: "native",
        },
      ],
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
      conformIdTokenClaims: false,
      findAccount: (_ctx, id) => ({
        accountId: id,
        claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: "Ada Lovelace" }),
      }),
      pkce: { required: () => false },
      responseTypes: ["id_token"],
      jwks: {
        keys: [
          {
            ...(await exportJWK((await generateKeyPair("RS256", { extractable: true })).privateKey)),
            use: "sig",
            kid: "one",
          },
        ],
      },
    });
    const answer = provider.callback();
    listening.on("request", (request, response) => void answer(request, response));
  });

  afterAll(() => {
    listening.closeAllConnections();
    listening.close();
  });

  /** Goes through the forms of the provider as a browser does, and resolves with the token that it ends with. */
  async function logIn(login: string): Promise<string> {
    const cookies = new Map<string, string>();
    const ask = async (
      url: string,
      body?: Record<string, string>,
    ): Promise<{ location: string | null; text: string }> => {
      const response = await fetch(url, {
        method: body === undefined ? "GET" : "POST",
        redirect: "manual",
        headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
        ...(body !== undefined && { body: new URLSearchParams(body) }),
      });
      for (const set of response.headers.getSetCookie()) {
        const [name = "", value = ""] = (set.split(";")[0] ?? "").split("=");
        cookies.set(name, value);
      }
      return { location: response.headers.get("location"), text: await response.text() };
    };
    const wanted = {
      client_id: "app",
      response_type: "id_token",
      scope: "openid email profile",
      redirect_uri: redirect,
      nonce: "n",
    };
    let next = `${issuer}/auth?${new URLSearchParams(wanted).toString()}`;
    for (let step = 0; step < 10; step++) {
      const { location, text } = await ask(next);
      if (location?.startsWith(redirect) === true) {
        return new URLSearchParams(new URL(location).hash.slice(1)).get("id_token") ?? "";
      }
      if (location !== null) {
        next = new URL(location, issuer).href;
        continue;
      }
      const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1] ?? "";
      const answered = await ask(next, { prompt, login, password: "any" });
      next = new URL(answered.location ?? "", issuer).href;
    }
    throw new Error("the provider asks for ever");
  }

  test("is asked for its keys, and its users are who its tokens say", async () => {
    const app = new CliApp({
      "convex/auth.config.ts": `
        export default { providers: [{ domain: process.env.ISSUER!, applicationID: "app" }] };`,
      "convex/users.ts": `
        import { queryGeneric as query } from "convex/server";
        export const me = query({ args: {}, handler: (ctx) => ctx.auth.getUserIdentity() });`,
    });
    try {
      await backend.deploy.updateEnvironment([{ name: "ISSUER", value: issuer }]);
      await deploy(app);
      const client = new ConvexHttpClient(server.url, { logger: false });
      client.setAuth(await logIn("ada"));
      expect(await client.query(anyApi["users"]!["me"]!, {})).toMatchObject({
        tokenIdentifier: `${issuer}|ada`,
        subject: "ada",
        email: "ada@example.com",
        emailVerified: true,
        name: "Ada Lovelace",
      });
    } finally {
      await app.remove();
    }
  });
});
