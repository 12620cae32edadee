/** Makes the identity of a caller from the attributes that a test gives, and a token that says the same. */
import type { UserIdentity } from "convex/server";

/** An identity with all attributes that every identity has. Those that are not given are made up. */
export function testIdentity(given: Partial<UserIdentity>): UserIdentity {
  const subject = given.subject ?? String(hash(JSON.stringify(given)));
  const issuer = given.issuer ?? "https://convex.test";
  const tokenIdentifier = given.tokenIdentifier ?? `${issuer}|${subject}`;
  return { ...given, subject, issuer, tokenIdentifier };
}

/** The claims of OpenID Connect that the attributes of an identity come from. */
const claimNames = new Map<string, string>([
  ["givenName", "given_name"],
  ["familyName", "family_name"],
  ["preferredUsername", "preferred_username"],
  ["profileUrl", "profile"],
  ["pictureUrl", "picture"],
  ["emailVerified", "email_verified"],
  ["birthday", "birthdate"],
  ["timezone", "zoneinfo"],
  ["language", "locale"],
  ["phoneNumber", "phone_number"],
  ["phoneNumberVerified", "phone_number_verified"],
  ["updatedAt", "updated_at"],
]);

const notClaims = new Set(["tokenIdentifier", "subject", "issuer"]);

/** An unsecured JSON Web Token (RFC 7519, section 6) for an identity. */
export function testToken(identity: UserIdentity): string {
  const claims: [string, unknown][] = Object.entries(identity)
    .filter(([attribute, value]) => value !== undefined && !notClaims.has(attribute))
    .map(([attribute, value]) => [claimNames.get(attribute) ?? attribute, value]);
  const payload = Object.fromEntries([...claims, ["sub", identity.subject], ["iss", identity.issuer]]);
  return `${base64Url({ alg: "none", typ: "JWT" })}.${base64Url(payload)}.`;
}

function base64Url(value: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** A number that most likely differs for different texts: a polynomial in 31, in 32 bits. */
function hash(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i += 1) {
    sum = (Math.imul(sum, 31) + text.charCodeAt(i)) | 0;
  }
  return sum;
}
