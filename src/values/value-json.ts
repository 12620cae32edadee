/**
 * The JSON text of values, as it is stored: plain JSON is itself, int64, bytes and special floats are
 * objects with one field that begins with `$` (the official encoding), object keys are sorted, so equal
 * values have equal texts. The text is built directly, in the time that the native function needs for a value that
 * is sorted already; what is not a value is handed to `convexToJson`, whose messages users know.
 */
import { convexToJson, jsonToConvex, type JSONValue, type Value } from "convex/values";
import { isPlainObject } from "./plain-object.js";
import { TrueupError } from "../errors/index.js";

/** Convex's limit for values of every kind; documents have a lower one. */
const maxNesting = 64;

/** What `convexToJson` accepts as a name: printable ASCII without a leading dollar sign. */
const fieldName = /^(?!\$)[ -~]{0,1024}$/;
/** What JSON escapes, and what it may have to: the halves of surrogate pairs. */
const needsEscape = /["\\\u0000-\u001f\ud800-\udfff]/;

/** `"name":` for names seen before; emptied when it has grown too large. */
const quotedNames = new Map<string, string>();
const maxQuotedNames = 10_000;

/**
 * The JSON text of a value. O(size).
 * @throws INVALID_VALUE for what is no Convex value, or nests deeper than 64 levels.
 */
export function stringifyValue(value: Value): string {
  const parts: string[] = [];
  try {
    write(value, 1, parts);
  } catch (error) {
    if (error instanceof TrueupError) throw error;
    throw invalid(officialComplaint(value));
  }
  return parts.join("");
}

/**
 * The value of a text that `stringifyValue` wrote; field names are not checked again. O(size).
 * @throws INVALID_VALUE when the text is not JSON, or holds a malformed encoding.
 */
export function parseValue(text: string): Value {
  try {
    const json: JSONValue = JSON.parse(text);
    return text.includes('"$') ? decode(json) : json;
  } catch (error) {
    throw invalid(messageOf(error));
  }
}

/** Appends the text's parts: joining them is four times faster than adding strings. */
function write(value: Value | undefined, depth: number, parts: string[]): void {
  switch (typeof value) {
    case "string":
      parts.push(quote(value));
      return;
    case "number": {
      const isPlain = Number.isFinite(value) && !Object.is(value, -0);
      parts.push(isPlain ? String(value) : textOfSpecial(value));
      return;
    }
    case "boolean":
      parts.push(value ? "true" : "false");
      return;
    case "bigint":
      parts.push(textOfSpecial(value));
      return;
    case "object":
      writeObject(value, depth, parts);
      return;
    default:
      throw new TypeError("Not a value.");
  }
}

/** Special floats, int64, bytes, unresolved commit timestamps. */
function textOfSpecial(value: Value): string {
  return JSON.stringify(convexToJson(value));
}

function quote(text: string): string {
  return needsEscape.test(text) ? JSON.stringify(text) : `"${text}"`;
}

function writeObject(value: Value & (object | null), depth: number, parts: string[]): void {
  if (value === null) {
    parts.push("null");
    return;
  }
  if (depth > maxNesting) throw invalid(`The value nests deeper than ${maxNesting} levels.`);
  if (Array.isArray(value)) writeItems(value, depth, parts);
  else if (isPlainObject(value)) writeFields(value, depth, parts);
  else parts.push(textOfSpecial(value));
}

function writeItems(items: readonly Value[], depth: number, parts: string[]): void {
  parts.push("[");
  for (let index = 0; index < items.length; index++) {
    if (index > 0) parts.push(",");
    write(items[index], depth + 1, parts);
  }
  parts.push("]");
}

type Fields = { readonly [name: string]: Value | undefined };

function writeFields(fields: Fields, depth: number, parts: string[]): void {
  let before = "{";
  for (const name of sortedNames(fields)) {
    const field = fields[name];
    if (field === undefined) continue;
    parts.push(before, quotedNames.get(name) ?? quoteName(name));
    write(field, depth + 1, parts);
    before = ",";
  }
  parts.push(before === "{" ? "{}" : "}");
}

function sortedNames(fields: Fields): string[] {
  const names = Object.keys(fields);
  for (let index = 1; index < names.length; index++) {
    if ((names[index] as string) < (names[index - 1] as string)) return names.sort();
  }
  return names;
}

function quoteName(name: string): string {
  if (!fieldName.test(name)) throw new TypeError("Not a field name.");
  if (quotedNames.size >= maxQuotedNames) quotedNames.clear();
  const quoted = `${quote(name)}:`;
  quotedNames.set(name, quoted);
  return quoted;
}

function decode(json: JSONValue): Value {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) {
    const items: Value[] = json;
    for (let index = 0; index < json.length; index++) {
      const item = json[index];
      if (typeof item === "object") items[index] = decode(item);
    }
    return items;
  }
  const names = Object.keys(json);
  if (names.length === 1 && names[0]?.startsWith("$")) return jsonToConvex(json);
  const fields: { [name: string]: Value } = json;
  for (const name of names) {
    const field = json[name];
    if (typeof field === "object") fields[name] = decode(field);
  }
  return fields;
}

/** The message of `convexToJson`, which names the path of the part that is no value. */
function officialComplaint(value: Value): string {
  try {
    convexToJson(value);
  } catch (error) {
    return messageOf(error);
  }
  return "The value cannot be written as JSON.";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function invalid(message: string): TrueupError {
  return new TrueupError("INVALID_VALUE", message);
}
