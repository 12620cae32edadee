/** Makes of a token's claims what `ctx.auth.getUserIdentity()` returns, in the names that Convex gives the fields. */
import type { UserIdentity } from "convex/server";
import type { JSONValue } from "convex/values";
import type { JWTPayload } from "jose";

/** The standard claims of OpenID Connect, by the field that holds each. */
const fields: Readonly<Record<string, string>> = {
  name: "name",
  given_name: "givenName",
  family_name: "familyName",
  nickname: "nickname",
  preferred_username: "preferredUsername",
  profile: "profileUrl",
  picture: "pictureUrl",
  website: "websiteUrl",
  email: "email",
  email_verified: "emailVerified",
  gender: "gender",
  birthdate: "birthday",
  zoneinfo: "timezone",
  locale: "language",
  phone_number: "phoneNumber",
  phone_number_verified: "phoneNumberVerified",
};

/** Claims about the token rather than the user, and those that are set by hand below. */
const left: ReadonlySet<string> = new Set([
  "iss",
  "sub",
  "aud",
  "exp",
  "iat",
  "nonce",
  "acr",
  "amr",
  "azp",
  "auth_time",
  "at_hash",
  "c_hash",
  "address",
  "updated_at",
]);

/**
 * The identity that a checked token stands for. Claims that no standard names keep their own, and the fields of nested claims are
 * there by their path, too, as `identity["properties.id"]`.
 */
export function identityOf(claims: JWTPayload & { iss: string; sub: string }): UserIdentity {
  const { iss: issuer, sub: subject } = claims;
  const identity: Record<string, JSONValue> = {};
  for (const [claim, value] of Object.entries(claims)) {
    if (left.has(claim)) continue;
    const field = fields[claim];
    if (field === undefined) addPaths(identity, claim, value as JSONValue);
    else if (value !== null) identity[field] = value as JSONValue;
  }
  const address = addressOf(claims["address"]);
  if (address !== null) identity["address"] = address;
  const updatedAt = timeOf(claims["updated_at"]);
  if (updatedAt !== null) identity["updatedAt"] = updatedAt;
  return { ...identity, tokenIdentifier: `${issuer}|${subject}`, issuer, subject };
}

function addPaths(identity: Record<string, JSONValue>, path: string, value: JSONValue): void {
  identity[path] = value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  for (const [name, inner] of Object.entries(value)) {
    if (inner !== undefined) addPaths(identity, `${path}.${name}`, inner);
  }
}

function addressOf(claim: unknown): string | null {
  if (typeof claim === "string") return claim;
  if (typeof claim !== "object" || claim === null || !("formatted" in claim)) return null;
  return typeof claim.formatted === "string" ? claim.formatted : null;
}

/** A time as text; providers give it as seconds since 1970 or as text. */
function timeOf(claim: unknown): string | null {
  if (typeof claim === "string") return claim;
  if (typeof claim !== "number") return null;
  const time = new Date(claim * 1000);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
