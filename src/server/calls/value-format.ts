/**
 * Encodes values as JSON. "convex_encoded_json" tells every value from every other one. "json", which the HTTP API documents for
 * programs in other languages, has plain JSON only: integers and bytes become strings.
 */
import { convexToJson, type Value } from "convex/values";
import { invalidRequest } from "../../deploy/index.js";

export type ValueFormat = "convex_encoded_json" | "json";

/** The format that a request asks for; "convex_encoded_json" when it asks for none. @throws INVALID_REQUEST */
export function readFormat(format: string = "convex_encoded_json"): ValueFormat {
  if (format === "convex_encoded_json" || format === "json") return format;
  throw invalidRequest("format", '"convex_encoded_json" or "json"', JSON.stringify(format));
}

export function encodeValue(value: Value, format: ValueFormat): unknown {
  return format === "json" ? plainJson(value) : convexToJson(value);
}

function plainJson(value: Value): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plainJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => (part === undefined ? [] : [[key, plainJson(part)]])),
  );
}
