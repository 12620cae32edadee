/** An OpenID Connect provider on this machine, whose forms let everybody in under the name that they give. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";

export class LoginProvider {
  readonly issuer: string;
  readonly #server: Server;
  readonly #provider: Provider;
  readonly #grants = new Set<string>();

  private constructor(server: Server, provider: Provider) {
    this.issuer = provider.issuer;
    this.#server = server;
    this.#provider = provider;
    const answer = provider.callback();
    server.on("request", (request, response) => void answer(request, response));
    provider.on("grant.success", ({ oidc }) => {
      if (oidc.entities.Grant !== undefined) this.#grants.add(oidc.entities.Grant.jti);
    });
  }

  /**
   * @param redirects Where the client `app` may send users back to.
   * @param tokenSeconds How long its tokens hold.
   */
  static async open(redirects: string[], tokenSeconds: number): Promise<LoginProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { privateKey } = await generateKeyPair("RS256", { extractable: true });
    const provider = new Provider(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      clients: [
        {
          client_id: "app",
          token_endpoint_auth_method: "none",
          redirect_uris: redirects,
          response_types: ["id_token", "code"],
          grant_types: ["implicit", "authorization_code", "refresh_token"],
          application_type: "native",
        },
      ],
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
      clientBasedCORS: () => true,
      conformIdTokenClaims: false,
      findAccount: (_ctx, id) => ({
        accountId: id,
        claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: "Ada Lovelace" }),
      }),
      issueRefreshToken: () => true,
      jwks: { keys: [{ ...(await exportJWK(privateKey)), use: "sig", kid: "one" }] },
      pkce: { required: () => false },
      responseTypes: ["id_token", "code"],
      ttl: { IdToken: tokenSeconds },
    });
    return new LoginProvider(server, provider);
  }

  /** Gives nobody who has logged in so far another token. */
  async revokeAll(): Promise<void> {
    for (const id of this.#grants) await (await this.#provider.Grant.find(id))?.destroy();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Goes through the forms as a browser does, and resolves with the token that it ends with. */
  async logIn(login: string, redirect: string): Promise<string> {
    const visitor = new Visitor();
    const wanted = {
      client_id: "app",
      response_type: "id_token",
      scope: "openid email profile",
      redirect_uri: redirect,
      nonce: "n",
    };
    let next = `${this.issuer}/auth?${new URLSearchParams(wanted).toString()}`;
    for (let step = 0; step < 10; step++) {
      const { location, text } = await visitor.ask(next);
      if (location?.startsWith(redirect) === true) {
        return new URLSearchParams(new URL(location).hash.slice(1)).get("id_token") ?? "";
      }
      if (location !== null) {
        next = new URL(location, this.issuer).href;
        continue;
      }
      const prompt = /name="prompt" value="(\w+)"/.exec(text)?.[1] ?? "";
      const answered = await visitor.ask(next, { prompt, login, password: "any" });
      next = new URL(answered.location ?? "", this.issuer).href;
    }
    throw new Error("the provider asks for ever");
  }
}

/** Keeps cookies, and follows no redirect by itself. */
class Visitor {
  readonly #cookies = new Map<string, string>();

  async ask(
    url: string,
    form?: Record<string, string>,
  ): Promise<{ readonly location: string | null; readonly text: string }> {
    const response = await fetch(url, {
      method: form === undefined ? "GET" : "POST",
      redirect: "manual",
      headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form !== undefined && { body: new URLSearchParams(form) }),
    });
    for (const set of response.headers.getSetCookie()) {
      const [name = "", value = ""] = (set.split(";")[0] ?? "").split("=");
      this.#cookies.set(name, value);
    }
    return { location: response.headers.get("location"), text: await response.text() };
  }
}
