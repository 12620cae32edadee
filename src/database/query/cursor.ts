/**
 * A cursor is the place right after one entry of an index, or the end of the query. It holds the entry's key without the
 * index's number, so it stays valid when documents come and go and when the index is rebuilt. It begins with a fingerprint of its
 * query, by which a cursor of another query is refused.
 */
import { TrueupError } from "../../errors/index.js";
import { encodeKey } from "../../values/index.js";
import type { Expression, Query } from "./query.js";

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

/** The details tell clients to begin again at the first page. */
function invalidCursor(reason: string): TrueupError {
  return new TrueupError(
    "INVALID_CURSOR",
    `InvalidCursor: Tried to run a query starting from a cursor that does not fit it: ${reason}. Cursors can only be passed to exactly the query that they came from.`,
    { isConvexSystemError: true, paginationError: "InvalidCursor", reason },
  );
}

/** What a query's names stand for. */
export interface QueryTarget {
  readonly componentPath: string;
  readonly tableName: string;
  /** The fields that decide the order. */
  readonly fields: readonly string[];
}

/** Eleven chars or fewer. It guards against mistakes; attackers gain nothing, because a cursor grants nothing. */
export function fingerprint(query: Query, target: QueryTarget): string {
  const { source } = query;
  const range = source.type === "IndexRange" ? source.range : [];
  const text = JSON.stringify([
    target.componentPath,
    target.tableName,
    target.fields,
    source.order === "desc",
    range.map(({ type, fieldPath, value }) => [type, fieldPath, encodeKey([value])]),
    query.operators.map((operator) =>
      "filter" in operator ? ["filter", describe(operator.filter)] : ["limit", operator.limit],
    ),
  ]);
  return hash(text);
}

function describe(expression: Expression): unknown {
  if ("$literal" in expression) return ["$literal", encodeKey([expression.$literal])];
  if ("$field" in expression) return ["$field", expression.$field];
  return Object.entries(expression).map(([operator, operands]: [string, unknown]) => [
    operator,
    Array.isArray(operands)
      ? operands.map((operand: Expression) => describe(operand))
      : describe(operands as Expression),
  ]);
}

/** cyrb53, a public domain hash of 53 bits by bryc. */
function hash(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (4294967296 * (2097151 & low) + (high >>> 0)).toString(36);
}
