/**
 * JSON that was typed on a command line: a function's arguments, and the identity of the user as whom it runs. JSON5 is
 * accepted, as by the official CLI, so that `'{reset: true}'` works. The message about a mistake shows the line with a
 * caret under the place.
 */
import { createHash } from "node:crypto";
import JSON5 from "json5";
import type { UserIdentity } from "convex/server";
import { jsonToConvex, type Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";

const defaultIssuer = "https://trueup.invalid";

/**
 * Parses an object of Convex values, of which `{"$integer": …}` and the like have their encoded form.
 *
 * @param what Names the argument in messages: `arguments`, `identity`.
 * @throws MALFORMED_JSON with `line` and `column`, counted from 1, when the text is not JSON; INVALID_VALUE when it holds
 *   what is no Convex value; INVALID_USAGE when it is no object.
 */
export function parseJsonObject(what: string, text: string): Record<string, Value> {
  let value: Value;
  const json = parseJson(what, text);
  try {
    value = jsonToConvex(json);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new TrueupError("INVALID_VALUE", `The ${what} cannot be read: ${message}`, {}, error);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof ArrayBuffer) {
    throw new TrueupError("INVALID_USAGE", `The ${what} must be one JSON object, like '{"name":"Ann"}'.`);
  }
  return value as Record<string, Value>;
}

/**
 * Parses an identity, and fills in the fields that every identity has. A `subject` that is left out derives from the text, so
 * the same text is the same user.
 *
 * @throws MALFORMED_JSON when the text is not JSON; INVALID_USAGE when a field that must be a string is not.
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

type Json = Parameters<typeof jsonToConvex>[0];

function parseJson(what: string, text: string): Json {
  try {
    return JSON5.parse<Json>(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { lineNumber: line = 1, columnNumber: column = 1 } = error as Partial<Position>;
    const problem = error.message.replace(/^JSON5: /, "").replace(/ at \d+:\d+$/, "");
    throw new TrueupError(
      "MALFORMED_JSON",
      `No JSON in the ${what} at line ${line}, column ${column}: ${problem}.\n${excerpt(text, line, column)}`,
      { text, line, column },
      error,
    );
  }
}

interface Position {
  readonly lineNumber: number;
  readonly columnNumber: number;
}

const excerptLength = 72;

/** The line of the mistake, cut to a screen's width, and a caret below the column. */
function excerpt(text: string, line: number, column: number): string {
  const source = (text.split(/\r?\n/)[line - 1] ?? "").replaceAll("\t", " ");
  const start = Math.max(0, column - 1 - excerptLength / 2);
  return `  ${source.slice(start, start + excerptLength)}\n  ${" ".repeat(column - 1 - start)}^`;
}
