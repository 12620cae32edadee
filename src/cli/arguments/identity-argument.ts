/** `--identity`: the user as whom a function runs, with the fields that every identity has filled in. */
import { createHash } from "node:crypto";
import type { UserIdentity } from "convex/server";
import { TrueupError } from "../../errors/index.js";
import { parseJsonObject } from "./json-argument.js";

const defaultIssuer = "https://trueup.invalid";

/**
 * A `subject` that is left out derives from the other fields, so the same text is the same user.
 *
 * @throws MALFORMED_JSON, INVALID_USAGE when a field that must be a string is not.
 */
export function parseIdentity(text: string): UserIdentity {
  const fields = parseJsonObject("identity", text);
  const subject =
    stringField(fields, "subject") ?? createHash("sha256").update(text).digest("hex").slice(0, 16);
  const issuer = stringField(fields, "issuer") ?? defaultIssuer;
  const tokenIdentifier = stringField(fields, "tokenIdentifier") ?? `${issuer}|${subject}`;
  return { ...(fields as Partial<UserIdentity>), subject, issuer, tokenIdentifier };
}

function stringField(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === "string") return value;
  throw new TrueupError("INVALID_USAGE", `The identity's ${name} must be a string.`);
}
