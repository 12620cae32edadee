/** Parses what callers send. What is nested so deep that walking through it would overflow the stack is refused here. */
import { HttpError } from "./http/http-error.js";

/** Values may nest 64 deep, and their JSON, or that of their validators, a few times as deep. */
const maxDepth = 512;

/**
 * An empty text is undefined.
 * @throws HttpError 400 MalformedJson with the place of the mistake, NestedTooDeep
 */
export function parseJson(text: string): unknown {
  if (text === "") return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HttpError(400, "MalformedJson", `The body is not JSON: ${reason}`);
  }
  // A text that is shorter has not enough brackets.
  if (text.length > 2 * maxDepth && isDeeper(json)) {
    throw new HttpError(400, "NestedTooDeep", `The JSON is nested more than ${maxDepth} deep.`);
  }
  return json;
}

/** Goes down level by level, without recursion. O(size). */
function isDeeper(json: unknown): boolean {
  let level: unknown[] = [json];
  for (let depth = 1; depth <= maxDepth; depth += 1) {
    const below: unknown[] = [];
    for (const value of level) {
      if (typeof value !== "object" || value === null) continue;
      for (const part of Object.values(value)) {
        if (typeof part === "object" && part !== null) below.push(part);
      }
    }
    if (below.length === 0) return false;
    level = below;
  }
  return true;
}
