/**
 * Reads who makes a request. The admin key arrives as `Convex <key>`, or as `Convex <key>:<base64 JSON>` with the identity that
 * the admin acts as. It is compared in constant time and never printed.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { UserIdentity } from "convex/server";
import type { JSONValue } from "convex/values";
import { HttpError } from "./http-error.js";

export type Caller =
  | { readonly kind: "admin"; readonly identity: UserIdentity | null }
  | { readonly kind: "public" };

const publicCaller: Caller = { kind: "public" };

/**
 * @param authorization The header, if there is one.
 * @throws HttpError 403 BadDeployKey for a wrong key, 501 for a user's token
 */
export function readCaller(authorization: string | undefined, adminKey: string): Caller {
  if (authorization === undefined) return publicCaller;
  const [scheme = "", ...rest] = authorization.split(" ");
  const credential = rest.join(" ").trim();
  switch (scheme.toLowerCase()) {
    case "convex":
      return readAdmin(credential, adminKey);
    case "bearer":
      throw userTokensUnsupported();
    default:
      throw badKey();
  }
}

/** @throws HttpError 403 BadDeployKey */
export function assertAdminKey(key: string, adminKey: string): void {
  if (!isEqual(key, adminKey)) throw badKey();
}

/**
 * Checks the key of an admin, who may act as a user.
 * @param identity The user's attributes, or null.
 * @throws HttpError 403 BadDeployKey, 400 for an identity without issuer and subject
 */
export function adminCaller(key: string, identity: unknown, adminKey: string): Caller {
  assertAdminKey(key, adminKey);
  return { kind: "admin", identity: identity === null ? null : readIdentity(identity) };
}

function readAdmin(credential: string, adminKey: string): Caller {
  if (isEqual(credential, adminKey)) return { kind: "admin", identity: null };
  const [key, identity] = [credential.slice(0, adminKey.length), credential.slice(adminKey.length)];
  if (!identity.startsWith(":")) throw badKey();
  assertAdminKey(key, adminKey);
  return { kind: "admin", identity: readIdentity(decodeIdentity(identity.slice(1))) };
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

/** Compares in the same time, wherever the two texts differ and however long they are. */
function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** The error for a user's token. */
export function userTokensUnsupported(): HttpError {
  return new HttpError(
    501,
    "FEATURE_NOT_SUPPORTED",
    "This server does not check users' tokens yet; call without one, or act as a user with the admin key.",
  );
}

function badKey(): HttpError {
  return new HttpError(403, "BadDeployKey", "The admin key is not the one of this server.");
}
