/**
 * Who makes a request. The admin key arrives as `Convex <key>`, or as `Convex <key>:<base64 JSON>` with the identity
 * that the admin acts as. It is compared in constant time and never printed.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { UserIdentity } from "convex/server";
import { HttpError } from "./http-error.js";

export type Caller =
  | { readonly kind: "admin"; readonly identity: UserIdentity | null }
  | { readonly kind: "public" };

const publicCaller: Caller = { kind: "public" };

/**
 * @param authorization The header, if there is one.
 * @throws HttpError 403 BadDeployKey for another key, 501 for a user's token
 */
export function readCaller(authorization: string | undefined, adminKey: string): Caller {
  if (authorization === undefined) return publicCaller;
  const [scheme = "", ...rest] = authorization.split(" ");
  const credential = rest.join(" ").trim();
  switch (scheme.toLowerCase()) {
    case "convex":
      return readAdmin(credential, adminKey);
    case "bearer":
      throw new HttpError(
        501,
        "FEATURE_NOT_SUPPORTED",
        "This server does not check users' tokens yet; call without one, or act as a user with the admin key.",
      );
    default:
      throw badKey();
  }
}

/** @throws HttpError 403 BadDeployKey */
export function assertAdminKey(key: string, adminKey: string): void {
  if (!isEqual(key, adminKey)) throw badKey();
}

function readAdmin(credential: string, adminKey: string): Caller {
  if (isEqual(credential, adminKey)) return { kind: "admin", identity: null };
  const [key, identity] = [credential.slice(0, adminKey.length), credential.slice(adminKey.length)];
  if (!isEqual(key, adminKey) || !identity.startsWith(":")) throw badKey();
  return { kind: "admin", identity: readIdentity(identity.slice(1)) };
}

function readIdentity(encoded: string): UserIdentity {
  try {
    const identity: unknown = JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
    if (isIdentity(identity)) return identity;
  } catch {
    // Answered below, as what has no tokenIdentifier.
  }
  throw new HttpError(
    400,
    "BadIdentity",
    "The identity to act as must be JSON with a tokenIdentifier and an issuer.",
  );
}

function isIdentity(value: unknown): value is UserIdentity {
  return (
    typeof value === "object" &&
    value !== null &&
    "tokenIdentifier" in value &&
    typeof value.tokenIdentifier === "string" &&
    "issuer" in value &&
    typeof value.issuer === "string"
  );
}

/** Takes the same time wherever the two differ, and whatever their lengths are. */
function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function badKey(): HttpError {
  return new HttpError(403, "BadDeployKey", "The admin key is not the one of this server.");
}
