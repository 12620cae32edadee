/**
 * Cursors: the place right after one entry of an index, or the end of the query. They hold the entry's key
 * without the index's number, so they outlive documents that come and go and the index being rebuilt.
 */
import { TrueupError } from "../../errors/index.js";

/** A place in a query's order: after the entry of this key, or at the end of everything. */
export type Position = { readonly after: string } | "end";

const endMark = "end";

export function encodeCursor(print: string, position: Position): string {
  const place = position === "end" ? endMark : `.${toBase64Url(position.after)}`;
  return `${print}.${place}`;
}

/** @throws INVALID_CURSOR when it is no cursor, or one of another query */
export function decodeCursor(cursor: unknown, print: string): Position {
  if (typeof cursor !== "string") throw invalidCursor("it is not a string");
  const separator = cursor.indexOf(".");
  const place = cursor.slice(separator + 1);
  if (separator < 0) throw invalidCursor("it is not a cursor that this database made");
  if (cursor.slice(0, separator) !== print) throw invalidCursor("it is of another query");
  if (place === endMark) return "end";
  const after = place.startsWith(".") ? fromBase64Url(place.slice(1)) : null;
  if (after === null) throw invalidCursor("it is damaged");
  return { after };
}

function toBase64Url(bytes: string): string {
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64Url(text: string): string | null {
  if (!/^[\w-]*$/.test(text)) return null;
  try {
    return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null;
  }
}

/** What clients take as the sign to begin again at the first page is in the details. */
function invalidCursor(reason: string): TrueupError {
  return new TrueupError(
    "INVALID_CURSOR",
    `InvalidCursor: Tried to run a query starting from a cursor that does not fit it: ${reason}. Cursors can only be passed to exactly the query that they came from.`,
    { isConvexSystemError: true, paginationError: "InvalidCursor", reason },
  );
}
