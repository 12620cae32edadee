/**
 * Reading a range by index keys. An index has no "greater than this whole key", so what remains behind a key is several index
 * ranges, to be read one after the other: the documents behind (a, b, c) are those with a and b equal and the third field
 * greater, then those with a equal and the second greater, then those with the first greater. The same keys divide what is left
 * of a range among several workers.
 */
import type { GenericDatabaseReader, GenericDataModel } from "convex/server";
import { compareValues, type Value } from "convex/values";
import { migrationError } from "../../component/failures.js";
import { given } from "../../component/given.js";
import { cursorOf, keyOf, type IndexKey, type StoredDocument } from "./cursor.js";
import { isKeyed, type Bound, type KeyedRange, type Range } from "./range.js";

export type Database = GenericDatabaseReader<GenericDataModel>;

/** The comparisons of convex's index ranges, for fields known only at run time. */
type DynamicBounds = {
  [Comparison in Bound["comparison"]]: (field: string, value: Value | undefined) => DynamicBounds;
};

/** The documents behind a key, or from the beginning of the range on: queries to be read one after the other. */
export function* queriesBehind(db: Database, range: KeyedRange, key: IndexKey | null): Generator<RangeQuery> {
  const pieces = key === null ? [range.bounds] : remainingBounds(range, key);
  for (const bounds of pieces) yield queryOf(db, range, bounds);
}

function queryOf(db: Database, range: Range, bounds: readonly Bound[]): RangeQuery {
  const query = db.query(range.table).withIndex(range.index as "by_creation_time", (q) => {
    const start = q as unknown as DynamicBounds;
    return bounds.reduce(
      (built, { comparison, field, value }) => built[comparison](field, value),
      start,
    ) as never;
  });
  const ordered = query.order(range.order);
  return range.filters.reduce<FilteredQuery>(
    (filtered, predicate) => filtered.filter(predicate),
    ordered as unknown as FilteredQuery,
  );
}

interface RangeQuery extends AsyncIterable<StoredDocument> {
  take(limit: number): Promise<StoredDocument[]>;
}

interface FilteredQuery extends RangeQuery {
  filter(predicate: unknown): FilteredQuery;
}

/**
 * The bounds of the index ranges that together hold what is behind `key`, in reading order; none at the end.
 * @throws MIGRATION_RANGE_CHANGED when the key is not one of this range
 */
function remainingBounds(range: KeyedRange, key: IndexKey): readonly (readonly Bound[])[] {
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

/** The error MIGRATION_RANGE_CHANGED, for a cursor that the range as it is now defined cannot have given. */
export function rangeChanged(range: Range, before?: string): Error {
  const now = range.description;
  const was = before === undefined ? "another range" : `the range "${before}"`;
  return migrationError(
    "MIGRATION_RANGE_CHANGED",
    `The cursor belongs to ${was}, but the migration is now defined over "${now}". ` +
      'Start it over with {"reset": true}, or restore the table and range it was started with.',
    { table: range.table, range: now, ...given({ cursorRange: before }) },
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

/**
 * At most `ranges - 1` places behind the document `last` that divide what is left, in the order of the range; none where it
 * cannot be divided. The places are keys of documents that are there, spread evenly over the first field that the range leaves
 * open, which must hold numbers: creation times do. Between them lie disjoint ranges that together are the whole, whatever
 * is inserted or deleted later; the last is open at its end. Reads one document for each.
 */
export async function splitsBehind(
  db: Database,
  range: Range,
  last: StoredDocument,
  ranges: number,
): Promise<string[]> {
  if (ranges < 2 || !isKeyed(range)) return [];
  const { fields, order } = range;
  const equals = range.bounds.filter(({ comparison }) => comparison === "eq");
  const field = fields[equals.length];
  if (field === undefined) return [];
  const opposite = { ...range, order: order === "asc" ? "desc" : "asc" } as const;
  const end = await first(queryOf(db, opposite, range.bounds));
  const [from] = keyOf([field], last);
  const [to] = keyOf([field], end ?? undefined);
  if (typeof from !== "number" || typeof to !== "number" || !Number.isFinite(to - from)) return [];
  const comparison = order === "asc" ? "gte" : "lte";
  const ahead = range.bounds.filter((bound) => isAhead(bound, order));
  const places: string[] = [cursorOf(fields, last)];
  for (let part = 1; part < ranges; part++) {
    const value: number = from + ((to - from) * part) / ranges;
    if (value === from) continue;
    const bound: Bound = { comparison, field, value };
    const document = await first(queryOf(db, range, [...equals, bound, ...ahead]));
    if (document === null) break;
    const place = cursorOf(fields, document);
    if (place !== places.at(-1)) places.push(place);
  }
  return places.slice(1);
}

async function first(query: AsyncIterable<StoredDocument>): Promise<StoredDocument | null> {
  for await (const document of query) return document;
  return null;
}
