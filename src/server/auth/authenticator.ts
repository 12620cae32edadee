/**
 * Finds out who calls: an admin by the admin key, a user by a token of one of the app's providers, else the public. The key
 * arrives as `Convex <key>`, or as `Convex <key>:<base64 JSON>` with the identity that the admin acts as. It is compared in
 * constant time, and neither key nor token is ever printed.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { UserIdentity } from "convex/server";
import type { JSONValue } from "convex/values";
import { HttpError } from "../http/http-error.js";
import type { TokenVerifier, VerifiedUser } from "./token-verifier.js";

export interface Caller {
  /** An admin may do everything, and may act as a user. */
  readonly kind: "admin" | "user" | "public";
  /** What functions are told of the user; null where there is none. */
  readonly identity: UserIdentity | null;
}

export const publicCaller: Caller = { kind: "public", identity: null };

export class Authenticator {
  readonly #adminKey: Buffer;
  readonly #tokens: TokenVerifier;

  constructor(adminKey: string, tokens: TokenVerifier) {
    this.#adminKey = digest(adminKey);
    this.#tokens = tokens;
  }

  /**
   * Who sends a request.
   * @param authorization The header, if there is one.
   * @throws HttpError 403 BadDeployKey for a wrong key; what `user` throws
   */
  caller(authorization: string | undefined): Caller | Promise<Caller> {
    if (authorization === undefined) return publicCaller;
    const space = authorization.indexOf(" ");
    const scheme = space < 0 ? authorization : authorization.slice(0, space);
    const credential = space < 0 ? "" : authorization.slice(space).trim();
    switch (scheme.toLowerCase()) {
      case "convex":
        return this.#actingAdmin(credential);
      case "bearer":
        return this.user(credential).then(({ identity }) => ({ kind: "user", identity }));
      default:
        throw badKey();
    }
  }

  /** The user whom a token stands for. @throws HttpError 401, see `TokenVerifier.verify` */
  user(token: string): Promise<VerifiedUser> {
    return this.#tokens.verify(token);
  }

  /**
   * An admin by the key alone, who may act as a user.
   * @param identity The user's attributes, or null.
   * @throws HttpError 403 BadDeployKey, 400 for an identity without issuer and subject
   */
  admin(key: string, identity: unknown = null): Caller {
    if (!this.#isAdminKey(key)) throw badKey();
    return { kind: "admin", identity: identity === null ? null : readIdentity(identity) };
  }

  /** A key may have colons itself, and an identity has none before its own. @throws HttpError 403, 400 */
  #actingAdmin(credential: string): Caller {
    if (this.#isAdminKey(credential)) return { kind: "admin", identity: null };
    const colon = credential.lastIndexOf(":");
    if (colon < 0) throw badKey();
    const key = credential.slice(0, colon);
    if (!this.#isAdminKey(key)) throw badKey();
    return { kind: "admin", identity: readIdentity(decodeIdentity(credential.slice(colon + 1))) };
  }

  /** Takes the same time, wherever the two keys differ and however long they are. */
  #isAdminKey(key: string): boolean {
    return timingSafeEqual(digest(key), this.#adminKey);
  }
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
