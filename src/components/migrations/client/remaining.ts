/**
 * What remains of a range behind an index key, as index ranges to read one after the other: an index has no
 * "greater than this whole key", so the documents behind (a, b, c) are those with a and b equal and the
 * third field greater, then those with a equal and the second greater, then those with the first greater.
 */
import { compareValues, type Value } from "convex/values";
import { migrationError } from "../failures.js";
import type { IndexKey } from "./cursor.js";
import { describeRange, type Bound, type Range } from "./range.js";

type KeyedRange = Range & { fields: readonly string[] };

/**
 * Bounds of the index ranges that together hold what is behind `key`, in reading order; none at the end.
 * Throws MIGRATION_RANGE_CHANGED when the key is not one of this range.
 */
export function remainingBounds(range: KeyedRange, key: IndexKey): readonly (readonly Bound[])[] {
  const { fields, bounds } = range;
  const equals = bounds.filter(({ comparison }) => comparison === "eq");
  if (key.length !== fields.length || !equals.every(({ field, value }) => holds(range, key, field, value))) {
    throw rangeChanged(range);
  }
  const bounded = fields[equals.length];
  const limits = bounds.filter(({ comparison }) => comparison !== "eq");
  const ahead = limits.filter((bound) => isAhead(bound, range.order));
  if (bounded !== undefined) {
    const at = key[equals.length];
    // The bounds themselves may have moved since: begin at the new start, or find nothing behind the new end.
    if (!limits.filter((bound) => !isAhead(bound, range.order)).every((bound) => fits(bound, at))) {
      return [bounds];
    }
    if (!ahead.every((bound) => fits(bound, at))) return [];
  }
  const beyond = range.order === "asc" ? "gt" : "lt";
  const pieces: Bound[][] = [];
  for (let depth = fields.length - 1; depth >= equals.length; depth--) {
    const prefix = fields
      .slice(0, depth)
      .map((field, i): Bound => ({ comparison: "eq", field, value: key[i] }));
    const field = fields[depth] ?? "";
    const further: Bound = { comparison: beyond, field, value: key[depth] };
    pieces.push([...prefix, further, ...(depth === equals.length ? ahead : [])]);
  }
  return pieces;
}

/** The error for a cursor that the range, as it is now defined, cannot have given. */
export function rangeChanged(range: Range, before?: string): Error {
  const now = describeRange(range);
  const was = before === undefined ? "another range" : `the range "${before}"`;
  return migrationError(
    "MIGRATION_RANGE_CHANGED",
    `The cursor belongs to ${was}, but the migration is now defined over "${now}". ` +
      'Start it over with {"reset": true}, or restore the table and range it was started with.',
    { table: range.table, range: now, ...(before === undefined ? {} : { cursorRange: before }) },
  );
}

function holds(range: KeyedRange, key: IndexKey, field: string, value: Value | undefined): boolean {
  return compareValues(key[range.fields.indexOf(field)], value) === 0;
}

/** True for a bound that a reader in this order meets at the end. */
function isAhead({ comparison }: Bound, order: "asc" | "desc"): boolean {
  return comparison.startsWith(order === "asc" ? "l" : "g");
}

function fits({ comparison, value }: Bound, at: Value | undefined): boolean {
  const sign = compareValues(at, value);
  if (comparison === "gt") return sign > 0;
  if (comparison === "gte") return sign >= 0;
  return comparison === "lt" ? sign < 0 : sign <= 0;
}
