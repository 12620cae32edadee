/**
 * Checks the tokens that users bring. A provider of `auth.config` must have issued a token for this app and signed it with one of
 * its keys, and the token must not have expired. It is never logged and never part of an error.
 */
import type { UserIdentity } from "convex/server";
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from "jose";
import type { AuthProvider } from "../../functions/index.js";
import { HttpError } from "../http/http-error.js";
import { identityOf } from "./identity.js";
import { issuerUrl, KeySets } from "./key-sets.js";

/** By how much the clocks of a provider and of this server may differ. */
const clockToleranceMs = 5_000;
/** Longer tokens are not looked at. */
const maxTokenChars = 64 * 1024;

/** A token that was verified is not verified again for so long, nor are more of them remembered. */
const rememberedForMs = 60_000;
const maxRemembered = 1_000;
/** Longer tokens are not remembered. */
const maxRememberedChars = 8 * 1024;

/** A user, and until when its token says so. */
export interface VerifiedUser {
  readonly identity: UserIdentity;
  readonly expiresAtMs: number;
}

type Claims = JWTPayload & { iss: string; sub: string; exp: number };

export class TokenVerifier {
  readonly #keys = new KeySets();
  readonly #providers: () => readonly AuthProvider[];
  #latest: readonly AuthProvider[] = [];
  /** By token, the oldest first. */
  readonly #verified = new Map<string, { readonly user: VerifiedUser; readonly untilMs: number }>();

  /** @param providers Those that the app names now. */
  constructor(providers: () => readonly AuthProvider[]) {
    this.#providers = providers;
  }

  /**
   * Costs a request to the provider when its keys are not known yet, else a signature, and nothing within a minute after that:
   * a key that its provider withdraws is good for a minute longer. Providers that the app names no more are none at once.
   * @throws HttpError 401 InvalidAuthHeader for what is no token, NoAuthProvider for one of no provider of the app,
   *   Unauthenticated for one that is expired, not valid yet, wrongly signed, or of a provider that does not answer
   */
  async verify(token: string): Promise<VerifiedUser> {
    this.#heedProviders();
    const known = this.#verified.get(token);
    if (known !== undefined && Date.now() < known.untilMs) return known.user;
    const user = await this.#verify(token);
    this.#remember(token, user);
    return user;
  }

  #heedProviders(): void {
    const providers = this.#providers();
    if (providers === this.#latest) return;
    this.#keys.keepOnly(providers);
    this.#verified.clear();
    this.#latest = providers;
  }

  #remember(token: string, user: VerifiedUser): void {
    this.#verified.delete(token);
    if (token.length > maxRememberedChars) return;
    const untilMs = Math.min(user.expiresAtMs, Date.now() + rememberedForMs);
    this.#verified.set(token, { user, untilMs });
    const [oldest] = this.#verified.keys();
    if (this.#verified.size > maxRemembered && oldest !== undefined) this.#verified.delete(oldest);
  }

  async #verify(token: string): Promise<VerifiedUser> {
    const provider = this.#providerOf(readClaims(token));
    try {
      const { find, algorithms } = await this.#keys.of(provider);
      const { payload } = await jwtVerify<Claims>(token, find, {
        algorithms: [...algorithms],
        requiredClaims: ["iss", "sub", "exp"],
        clockTolerance: clockToleranceMs / 1000,
        ...(provider.applicationID !== null && { audience: provider.applicationID }),
      });
      if (typeof payload.sub !== "string" || payload.sub === "") {
        throw new errors.JWTClaimValidationFailed("no text", payload, "sub");
      }
      return { identity: identityOf(payload), expiresAtMs: payload.exp * 1000 + clockToleranceMs };
    } catch (error) {
      throw unverified(error);
    }
  }

  /** The first provider that may have issued a token with these claims. @throws HttpError 401 NoAuthProvider */
  #providerOf({ iss, aud }: JWTPayload): AuthProvider {
    const providers = this.#latest;
    const audiences = aud === undefined ? [] : [aud].flat();
    const found = providers.find((provider) => {
      const { applicationID } = provider;
      const isForApp = applicationID === null || audiences.includes(applicationID);
      return isForApp && iss !== undefined && issuesAs(provider, iss);
    });
    if (found !== undefined) return found;
    const reason =
      providers.length === 0
        ? "No auth provider found matching the given token: the app has none. Add one to convex/auth.config.ts."
        : "No auth provider found matching the given token. Check that `domain` or `issuer`, and `applicationID`, in convex/auth.config.ts are its claims `iss` and `aud`.";
    throw new HttpError(401, "NoAuthProvider", reason);
  }
}

function issuesAs(provider: AuthProvider, issuer: string): boolean {
  return issuerUrl("type" in provider ? provider.issuer : provider.domain) === issuerUrl(issuer);
}

/** @throws HttpError 401 InvalidAuthHeader */
function readClaims(token: string): JWTPayload {
  try {
    if (token.length > maxTokenChars) throw new Error("it is too long");
    decodeProtectedHeader(token);
    return decodeJwt(token);
  } catch {
    throw new HttpError(401, "InvalidAuthHeader", "Could not parse the token: it is no JWT.");
  }
}

function unverified(error: unknown): HttpError {
  return new HttpError(401, "Unauthenticated", `Could not verify the token: ${reasonOf(error)}.`);
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "it has expired";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature is wrong";
  if (error instanceof errors.JWKSNoMatchingKey) return "its provider has no such key";
  if (error instanceof errors.JOSEAlgNotAllowed) return "its provider does not sign with its algorithm";
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim "${error.claim}" does not hold`;
  const message = error instanceof Error ? error.message : String(error);
  return `the keys of its provider cannot be had (${message})`;
}
