/** Error codes of values, sorted by name. The room throws them as `TrueupError`s. */
import { final, type ErrorCodeEntry } from "./error-code-entry.js";

export const valuesCodes = {
  INVALID_ID: final("The string is not a document id.", "Pass an id that the database returned."),
  INVALID_VALUE: final(
    "The value is not a Convex value.",
    "Use null, booleans, numbers, bigints of 64 bits, strings, ArrayBuffers, arrays and plain objects.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
