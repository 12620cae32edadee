/**
 * Finds out who calls: an admin by the admin key, a user by a token of one of the app's providers, else the public. The key
 * arrives as `Convex <key>`, or as `Convex <key>:<base64 JSON>` with the identity that the admin acts as. It is compared in
 * constant time, and neither key nor token is ever printed.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { UserIdentity } from "convex/server";
import type { JSONValue } from "convex/values";
import type { AdminKeys } from "../../backend/index.js";
import { HttpError } from "../http/http-error.js";
import type { TokenVerifier } from "./token-verifier.js";

export interface Caller {
  /** An admin may do everything, and may act as a user. */
  readonly kind: "admin" | "user" | "public";
  /** What functions are told of the user; null where there is none. */
  readonly identity: UserIdentity | null;
  /** Whether the caller is told what a function threw, and where. Strangers of an app in production are not. */
  readonly seesErrors: boolean;
}

export interface AuthenticatorOptions {
  /** Keys of admins beside those of the deployment. */
  readonly adminKeys: readonly string[];
  /** The keys of the deployment. */
  readonly keys: Pick<AdminKeys, "hold">;
  readonly tokens: TokenVerifier;
  readonly isProduction: boolean;
}

export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #digests: readonly Buffer[];
  /** Who brings neither key nor token. */
  readonly stranger: Caller;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
    this.#digests = options.adminKeys.map(digest);
    this.stranger = { kind: "public", identity: null, seesErrors: !options.isProduction };
  }

  /**
   * Who sends a request.
   * @param authorization The header, if there is one.
   * @throws HttpError 403 BadDeployKey for a wrong key; what `user` throws
   */
  caller(authorization: string | undefined): Caller | Promise<Caller> {
    if (authorization === undefined) return this.stranger;
    const space = authorization.indexOf(" ");
    const scheme = space < 0 ? authorization : authorization.slice(0, space);
    const credential = space < 0 ? "" : authorization.slice(space).trim();
    switch (scheme.toLowerCase()) {
      case "convex":
        return this.#actingAdmin(credential);
      case "bearer":
        return this.user(credential).then(({ caller }) => caller);
      default:
        throw badKey();
    }
  }

  /** The user whom a token stands for, and until when. @throws HttpError 401, see `TokenVerifier.verify` */
  async user(token: string): Promise<{ readonly caller: Caller; readonly expiresAtMs: number }> {
    const { identity, expiresAtMs } = await this.#options.tokens.verify(token);
    return { caller: { ...this.stranger, kind: "user", identity }, expiresAtMs };
  }

  /**
   * An admin by the key alone, who may act as a user.
   * @param identity The user's attributes, or null.
   * @throws HttpError 403 BadDeployKey, 400 for an identity without issuer and subject
   */
  async admin(key: string, identity: unknown = null): Promise<Caller> {
    if (!(await this.#isAdminKey(key))) throw badKey();
    return adminAs(identity === null ? null : readIdentity(identity));
  }

  /** A key may have colons itself, and the identity in base64 has none. @throws HttpError 403, 400 */
  async #actingAdmin(credential: string): Promise<Caller> {
    if (await this.#isAdminKey(credential)) return adminAs(null);
    const colon = credential.lastIndexOf(":");
    if (colon < 0 || !(await this.#isAdminKey(credential.slice(0, colon)))) throw badKey();
    return adminAs(readIdentity(decodeIdentity(credential.slice(colon + 1))));
  }

  /** Takes the same time, wherever the two keys differ and however long they are. */
  async #isAdminKey(key: string): Promise<boolean> {
    const wanted = digest(key);
    if (this.#digests.some((each) => timingSafeEqual(each, wanted))) return true;
    return await this.#options.keys.hold(key);
  }
}

function adminAs(identity: UserIdentity | null): Caller {
  return { kind: "admin", identity, seesErrors: true };
}

function decodeIdentity(encoded: string): unknown {
  try {
    return JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
  } catch {
    return null;
  }
}

/** An identity without a tokenIdentifier gets the one that its issuer and subject make. */
function readIdentity(json: unknown): UserIdentity {
  if (typeof json === "object" && json !== null) {
    const { issuer, subject, tokenIdentifier, ...rest } = json as Record<string, JSONValue>;
    if (typeof issuer === "string" && typeof subject === "string") {
      const token = typeof tokenIdentifier === "string" ? tokenIdentifier : `${issuer}|${subject}`;
      return { ...rest, issuer, subject, tokenIdentifier: token };
    }
  }
  throw new HttpError(
    400,
    "BadIdentity",
    "The identity to act as must be an object with an issuer and a subject.",
  );
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function badKey(): HttpError {
  return new HttpError(403, "BadDeployKey", "The admin key is not the one of this server.");
}
