import { exportJWK, SignJWT, UnsecuredJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AuthProvider } from "../../functions/index.js";
import { ec, Issuer, other, rsa, type Signed } from "../../../suites/server/issuer.js";
import { TokenVerifier } from "./token-verifier.js";

let issuer: Issuer;
let providers: AuthProvider[];
let verifier: TokenVerifier;

beforeEach(async () => {
  issuer = new Issuer();
  await issuer.open();
  providers = [{ domain: issuer.url, applicationID: "app" }];
  verifier = new TokenVerifier(() => providers);
});

afterEach(() => {
  vi.useRealTimers();
  issuer.close();
});

async function verify(signed?: Signed): Promise<unknown> {
  return await verifier.verify(await issuer.sign(signed));
}

describe("a token of an OpenID Connect provider", () => {
  test("is its user, until it expires", async () => {
    const { identity, expiresAtMs } = await verifier.verify(await issuer.sign());
    expect(identity).toEqual({
      tokenIdentifier: `${issuer.url}|ada`,
      issuer: issuer.url,
      subject: "ada",
      email: "ada@example.com",
    });
    expect(expiresAtMs - Date.now()).toBeGreaterThan(3_590_000);
    expect(expiresAtMs - Date.now()).toBeLessThan(3_610_000);
  });

  test("may be signed with ES256, name several audiences, and differ from the domain by a slash", async () => {
    issuer.documents["/.well-known/openid-configuration"] = {
      issuer: `${issuer.url}/`,
      jwks_uri: `${issuer.url}/keys`,
    };
    await verify({ key: ec.privateKey, kid: "elliptic", alg: "ES256" });
    await verify({ claims: { aud: ["another", "app"], iss: `${issuer.url}/` } });
  });

  test.each<[string, Signed, string, RegExp]>([
    ["of another audience", { claims: { aud: "another" } }, "NoAuthProvider", /auth\.config/],
    ["without an audience", { claims: { aud: undefined } as never }, "NoAuthProvider", /auth\.config/],
    ["of another issuer", { claims: { iss: "https://other" } }, "NoAuthProvider", /auth\.config/],
    ["that has expired", { expiresIn: "-1m" }, "Unauthenticated", /expired/],
    ["that is not valid yet", { claims: { nbf: 4_000_000_000 } }, "Unauthenticated", /"nbf"/],
    ["signed with another key", { key: other.privateKey }, "Unauthenticated", /signature/],
    ["of a key that the provider has not", { kid: "unknown" }, "Unauthenticated", /no such key/],
    ["without a subject", { claims: { sub: "" } }, "Unauthenticated", /"sub"/],
  ])("%s is refused", async (_name, signed, code, message) => {
    await expect(verify(signed)).rejects.toMatchObject({
      status: 401,
      code,
      message: expect.stringMatching(message),
    });
  });

  test("that nobody signed, or that is signed with the public key as a secret, is refused", async () => {
    const claims = { iss: issuer.url, sub: "ada", aud: "app", exp: 4_000_000_000 };
    await expect(verifier.verify(new UnsecuredJWT(claims).encode())).rejects.toMatchObject({ status: 401 });
    const secret = new TextEncoder().encode(JSON.stringify(issuer.documents["/keys"]));
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "first" }).sign(secret);
    await expect(verifier.verify(forged)).rejects.toMatchObject({ code: "Unauthenticated" });
  });

  test.each(["", "nonsense", "a.b.c", `${"x".repeat(100_000)}.e30.`])(
    "is a JWT, and not %.20s",
    async (text) => {
      await expect(verifier.verify(text)).rejects.toMatchObject({ status: 401, code: "InvalidAuthHeader" });
      expect(issuer.requests).toEqual([]);
    },
  );

  test("that does not hold is never repeated in the error", async () => {
    const token = await issuer.sign({ key: other.privateKey });
    const [, payload, signature] = token.split(".");
    const error: unknown = await verifier.verify(token).catch((thrown: unknown) => thrown);
    expect(String(error)).not.toContain(payload);
    expect(String(error)).not.toContain(signature);
  });

  test("needs a provider that says that it is this issuer", async () => {
    issuer.documents["/.well-known/openid-configuration"] = {
      issuer: "https://other",
      jwks_uri: `${issuer.url}/keys`,
    };
    await expect(verify()).rejects.toMatchObject({
      code: "Unauthenticated",
      message: expect.stringMatching(/another issuer/),
    });
  });
});

describe("a token that was verified", () => {
  test("is not verified again within a minute, and never past its expiry", async () => {
    const verifications = vi.spyOn(crypto.subtle, "verify");
    const [token, short] = [await issuer.sign(), await issuer.sign({ expiresIn: "20s" })];
    const first = await verifier.verify(token);
    expect(await verifier.verify(token)).toBe(first);
    expect(verifications).toHaveBeenCalledTimes(1);
    await verifier.verify(short);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 30_000 });
    await verifier.verify(token);
    expect(verifications).toHaveBeenCalledTimes(2);
    await expect(verifier.verify(short)).rejects.toMatchObject({ code: "Unauthenticated" });
    vi.setSystemTime(Date.now() + 40_000);
    await verifier.verify(token);
    expect(verifications).toHaveBeenCalledTimes(4);
    verifications.mockRestore();
  });

  test("is none any more as soon as the app names other providers", async () => {
    const token = await issuer.sign();
    await verifier.verify(token);
    providers = [{ domain: issuer.url, applicationID: "another" }];
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: "NoAuthProvider" });
  });
});

describe("the keys of a provider", () => {
  test("are fetched once, and again when a token names one that is new", async () => {
    await verify();
    await verify();
    expect(issuer.requests).toEqual(["/.well-known/openid-configuration", "/keys"]);
    await issuer.publish({ second: other.publicKey });
    const rotated = { key: other.privateKey, kid: "second" };
    await expect(verify(rotated)).rejects.toMatchObject({ message: expect.stringMatching(/no such key/) });
    expect(issuer.requests).toHaveLength(2);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    await verify(rotated);
    expect(issuer.requests).toHaveLength(3);
  });

  test("are not asked for again at once when the provider fails, and are when it is back", async () => {
    issuer.status = 500;
    for (let i = 0; i < 3; i++) await expect(verify()).rejects.toMatchObject({ code: "Unauthenticated" });
    expect(issuer.requests).toHaveLength(1);
    issuer.status = 200;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 6_000 });
    await verify();
  });

  test("are forgotten when the app names other providers", async () => {
    await verify();
    providers = [];
    await expect(verify()).rejects.toMatchObject({
      code: "NoAuthProvider",
      message: expect.stringMatching(/has none/),
    });
    providers = [{ domain: issuer.url, applicationID: "app" }];
    await verify();
    expect(issuer.requests).toHaveLength(4);
  });

  test("that are larger than a megabyte are not read to their end", async () => {
    issuer.documents["/keys"] = { keys: [], padding: "x".repeat(2 * 1024 * 1024) };
    await expect(verify()).rejects.toMatchObject({ message: expect.stringMatching(/more than/) });
  });
});

describe("a token of a provider of type customJwt", () => {
  const custom = (more: object): void => {
    providers = [
      {
        type: "customJwt",
        applicationID: null,
        issuer: issuer.url,
        jwks: `${issuer.url}/keys`,
        algorithm: "RS256",
        ...more,
      },
    ];
  };

  test("is checked with the keys at its URL, which is asked alone", async () => {
    custom({});
    await verify({ claims: { aud: undefined } as never });
    expect(issuer.requests).toEqual(["/keys"]);
  });

  test("is checked with keys that the configuration holds", async () => {
    const jwks = { keys: [{ ...(await exportJWK(rsa.publicKey)), kid: "first" }] };
    custom({ jwks: `data:text/plain;charset=utf-8;base64,${btoa(JSON.stringify(jwks))}` });
    await verify();
    expect(issuer.requests).toEqual([]);
  });

  test("must be for the app where that has a name, and signed as the configuration says", async () => {
    custom({ applicationID: "another" });
    await expect(verify()).rejects.toMatchObject({ code: "NoAuthProvider" });
    custom({ algorithm: "ES256" });
    await expect(verify()).rejects.toMatchObject({
      code: "Unauthenticated",
      message: expect.stringMatching(/algorithm/),
    });
  });
});
