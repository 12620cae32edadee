/**
 * The JSON text of values, as it is stored: plain JSON is itself, int64, bytes and special floats are
 * objects with one field that begins with `$` (the official encoding), object keys are sorted, so equal
 * values have equal texts. Plain values, nearly all of them, cost one walk and one native call; what is
 * not a value is handed to `convexToJson`, whose messages users know.
 */
import { convexToJson, jsonToConvex, type JSONValue, type Value } from "convex/values";
import { TrueupError } from "../errors/index.js";

/** Convex's limit for values of every kind; documents have a lower one. */
const MAX_NESTING = 64;

/** What `convexToJson` accepts as a name: printable ASCII without a leading dollar sign. */
const FIELD_NAME = /^(?!\$)[ -~]{0,1024}$/;

/**
 * The JSON text of a value. O(size).
 * @throws INVALID_VALUE for what is no Convex value, or nests deeper than 64 levels.
 */
export function stringifyValue(value: Value): string {
  try {
    return JSON.stringify(encode(value, 1));
  } catch (error) {
    if (error instanceof TrueupError) throw error;
    throw invalid(officialComplaint(value));
  }
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

/** The encoded form; arrays and objects in which nothing needs to change are returned as they are. */
function encode(value: Value | undefined, depth: number): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value) && !Object.is(value, -0)) return value;
      return convexToJson(value);
    case "object":
      if (value === null) return value;
      if (depth > MAX_NESTING) throw invalid(`The value nests deeper than ${MAX_NESTING} levels.`);
      if (Array.isArray(value)) return encodeItems(value, depth);
      if (isPlainObject(value)) return encodeFields(value, depth);
      return convexToJson(value);
    default:
      if (value === undefined) throw new Error("undefined");
      return convexToJson(value);
  }
}

function encodeItems(items: readonly Value[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const encoded = encode(items[index], depth + 1);
    if (encoded !== items[index]) {
      copy ??= [...items];
      copy[index] = encoded;
    }
  }
  return copy ?? items;
}

type Fields = Readonly<Record<string, unknown>>;

function encodeFields(fields: { [name: string]: Value | undefined }, depth: number): Fields {
  let copy: Record<string, unknown> | undefined;
  let previous = "";
  let isSorted = true;
  for (const name of Object.keys(fields)) {
    if (!FIELD_NAME.test(name)) throw new Error(name);
    if (name < previous) isSorted = false;
    previous = name;
    const field = fields[name];
    // Left for JSON.stringify to drop.
    if (field === undefined) continue;
    const encoded = encode(field, depth + 1);
    if (encoded !== field) {
      copy ??= { ...fields };
      copy[name] = encoded;
    }
  }
  return isSorted ? (copy ?? fields) : sortFields(copy ?? fields);
}

function sortFields(fields: Fields): Fields {
  return Object.fromEntries(
    Object.keys(fields)
      .sort()
      .map((name) => [name, fields[name]]),
  );
}

/** Also true for plain objects of another realm, as it is for `convexToJson`. */
function isPlainObject(value: object): value is { [name: string]: Value | undefined } {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return typeof prototype === "object" && prototype.constructor?.name === "Object";
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
