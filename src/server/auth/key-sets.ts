/**
 * The keys of providers: fetched when a token first needs them, kept for ten minutes, and fetched again when a token names a key
 * that is not among them, at most every half minute. A provider that does not answer is left alone for a few seconds, so that a
 * flood of tokens does not become a flood of requests. What is not a provider's any more is dropped.
 */
import { createLocalJWKSet, createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from "jose";
import type { AuthProvider } from "../../functions/index.js";

/** The algorithms that a provider without a list of its own may sign with: none with a shared secret. */
const defaultAlgorithms: readonly string[] = ["RS256", "ES256"];
const asymmetric = /^(?:RS|PS|ES)(?:256|384|512)$|^EdDSA$|^Ed25519$/;

const maxDocumentBytes = 1024 * 1024;
const timeoutMs = 5_000;
const maxDiscoveryAgeMs = 60 * 60_000;
const patienceAfterFailureMs = 5_000;

/** What a token of a provider is checked with. */
export interface Keys {
  readonly find: JWTVerifyGetKey;
  readonly algorithms: readonly string[];
}

interface Entry {
  readonly keys: Promise<Keys>;
  /** When it is to be made anew; that of one that failed is a moment later. */
  staleAtMs: number;
}

export class KeySets {
  readonly #entries = new Map<string, Entry>();

  /** The keys of a provider. Rejects when they cannot be had. */
  of(provider: AuthProvider): Promise<Keys> {
    const name = JSON.stringify(provider);
    const known = this.#entries.get(name);
    if (known !== undefined && Date.now() < known.staleAtMs) return known.keys;
    const entry: Entry = { keys: makeKeys(provider), staleAtMs: Date.now() + maxDiscoveryAgeMs };
    this.#entries.set(name, entry);
    entry.keys.catch(() => {
      entry.staleAtMs = Date.now() + patienceAfterFailureMs;
    });
    return entry.keys;
  }

  /** Drops the keys of all other providers. */
  keepOnly(providers: readonly AuthProvider[]): void {
    const names = new Set(providers.map((provider) => JSON.stringify(provider)));
    for (const name of this.#entries.keys()) if (!names.has(name)) this.#entries.delete(name);
  }
}

async function makeKeys(provider: AuthProvider): Promise<Keys> {
  if ("type" in provider) {
    return { find: await keySetAt(provider.jwks), algorithms: [provider.algorithm] };
  }
  const { jwksUrl, algorithms } = await discover(issuerUrl(provider.domain));
  return { find: await keySetAt(jwksUrl), algorithms };
}

/** The URL of an issuer that may be given without its scheme, and without the slash that may end it. */
export function issuerUrl(issuer: string): string {
  const url = /^https?:\/\//.test(issuer) ? issuer : `https://${issuer}`;
  return url.replace(/\/+$/, "");
}

/** What a provider says of itself, as OpenID Connect Discovery has it. */
async function discover(issuer: string): Promise<{ jwksUrl: string; algorithms: readonly string[] }> {
  const url = `${issuer}/.well-known/openid-configuration`;
  const document = await fetchJson(url);
  if (typeof document !== "object" || document === null) throw new Error(`${url} is no JSON object`);
  const {
    issuer: named,
    jwks_uri: jwksUrl,
    id_token_signing_alg_values_supported: listed,
  } = document as Record<string, unknown>;
  if (typeof named !== "string" || issuerUrl(named) !== issuer) {
    throw new Error(`${url} is of another issuer, ${String(named)}`);
  }
  if (typeof jwksUrl !== "string" || !URL.canParse(jwksUrl)) throw new Error(`${url} has no jwks_uri`);
  const algorithms = Array.isArray(listed)
    ? listed.filter((name): name is string => typeof name === "string" && asymmetric.test(name))
    : defaultAlgorithms;
  return { jwksUrl, algorithms: algorithms.length === 0 ? defaultAlgorithms : algorithms };
}

/** The keys at a URL, which may hold them itself (`data:`). */
async function keySetAt(url: string): Promise<JWTVerifyGetKey> {
  if (url.startsWith("data:")) {
    return createLocalJWKSet((await fetchJson(url)) as Parameters<typeof createLocalJWKSet>[0]);
  }
  const failure = { error: null as unknown, untilMs: 0 };
  return createRemoteJWKSet(new URL(url), {
    timeoutDuration: timeoutMs,
    [customFetch]: async (address, { headers, signal }) => {
      if (Date.now() < failure.untilMs) throw failure.error;
      try {
        return Response.json(await fetchJson(address, { headers, signal }));
      } catch (error) {
        Object.assign(failure, { error, untilMs: Date.now() + patienceAfterFailureMs });
        throw error;
      }
    },
  });
}

/** Fetches a JSON document of bounded size in bounded time; redirects are followed. */
async function fetchJson(
  url: string,
  { headers, signal }: { headers?: Headers; signal?: AbortSignal } = {},
): Promise<unknown> {
  const response = await fetch(url, {
    signal: signal ?? AbortSignal.timeout(timeoutMs),
    headers: headers ?? { accept: "application/json" },
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${url} answers ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxDocumentBytes) throw new Error(`${url} answers more than ${maxDocumentBytes} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}
