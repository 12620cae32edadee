/**
 * Tells queries apart, so that a cursor serves only the query that made it: a hash over everything that
 * decides the result and its order, literals by their index keys.
 */
import { encodeKey } from "../../values/index.js";
import type { Expression, Query } from "./query.js";

/** What a query's names stand for. */
export interface QueryTarget {
  readonly componentPath: string;
  readonly tableName: string;
  /** The fields that decide the order. */
  readonly fields: readonly string[];
}

/** Eleven chars or fewer. Against mistakes, not against attackers: cursors grant nothing. */
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
