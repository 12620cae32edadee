/**
 * The range of documents that a migration goes through, as data. A custom range is written with the ordinary
 * query builder. Here it is recorded instead of run, so that a batch can begin behind any index key. That
 * needs the fields of the index: those of the built-in indexes are known, others come from the schema.
 * A range with a filter, or over an index of unknown fields, is left to the database's own pagination; where the fields
 * are known, only up to the end that the range had when pagination came to it.
 */
import type { SchemaDefinition } from "convex/server";
import type { Value } from "convex/values";
import { migrationError } from "../../component/failures.js";

/** One comparison of an index range. */
export interface Bound {
  readonly comparison: "eq" | "gt" | "gte" | "lt" | "lte";
  readonly field: string;
  readonly value: Value | undefined;
}

/** A range as a migration defines it. */
export interface Range {
  readonly table: string;
  readonly index: string;
  /** The fields of the index with its two tiebreakers; null when they are not known. */
  readonly fields: readonly string[] | null;
  readonly order: "asc" | "desc";
  readonly bounds: readonly Bound[];
  /** What `filter` was called with. */
  readonly filters: readonly unknown[];
  /** Identifies the kind of range that a cursor belongs to; the values of bounds may differ from batch to batch. */
  readonly description: string;
}

/** A range in which a batch can begin behind an index key. */
export type KeyedRange = Range & { readonly fields: readonly string[] };

type RecordedRange = Omit<Range, "fields" | "description">;

/** `customRange` of a definition, for tables known only at run time. */
export type RangeBuilder = (q: never) => unknown;

export type AnySchema = SchemaDefinition<Record<string, never>, boolean>;

/**
 * The range of `customRange`, or the whole table in the order of creation.
 * @throws MIGRATION_RANGE_UNSUPPORTED when `customRange` returns or does what no batch can resume in
 */
export function rangeOf(
  table: string,
  customRange: RangeBuilder | undefined,
  schema: AnySchema | undefined,
): Range {
  const whole: RecordedRange = { table, index: "by_creation_time", order: "asc", bounds: [], filters: [] };
  const range = customRange === undefined ? whole : recordedRange(whole, customRange);
  const { index, order, bounds, filters } = range;
  const compared = bounds.map(({ field, comparison }) => ` ${comparison} ${field}`).join("");
  const description = `${table}.${index}${compared} ${order}${filters.length > 0 ? " filtered" : ""}`;
  return { ...range, fields: fieldsOf(table, index, schema), description };
}

/** True when a batch can begin behind an index key. */
export function isKeyed(range: Range): range is KeyedRange {
  return range.fields !== null && range.filters.length === 0;
}

function recordedRange(whole: RecordedRange, customRange: RangeBuilder): RecordedRange {
  const recorded = customRange(new RecordedQuery(whole) as never);
  if (recorded instanceof RecordedQuery) return recorded.range;
  throw unsupported(whole.table, "customRange must return the query it was given, with an index or an order");
}

function fieldsOf(table: string, index: string, schema: AnySchema | undefined): readonly string[] | null {
  if (index === "by_creation_time") return ["_creationTime", "_id"];
  if (index === "by_id") return ["_id"];
  const definition = schema?.tables[table] as { " indexes"(): Index[] } | undefined;
  if (definition === undefined) return null;
  const found = definition[" indexes"]().find(({ indexDescriptor }) => indexDescriptor === index);
  if (found === undefined) throw unsupported(table, `the schema has no index ${index} on it`);
  return [...found.fields, "_creationTime", "_id"];
}

interface Index {
  indexDescriptor: string;
  fields: string[];
}

/** The error MIGRATION_RANGE_UNSUPPORTED. */
export function unsupported(table: string, why: string): Error {
  return migrationError("MIGRATION_RANGE_UNSUPPORTED", `The range over ${table} cannot be used: ${why}.`, {
    table,
  });
}

/** Stands in for a query under construction; knows everything about it except its documents. */
class RecordedQuery {
  readonly range: RecordedRange;

  constructor(range: RecordedRange) {
    this.range = range;
  }

  withIndex(index: string, build?: (q: RecordedBounds) => RecordedBounds): RecordedQuery {
    const bounds = build === undefined ? [] : build(new RecordedBounds([])).bounds;
    return new RecordedQuery({ ...this.range, index, bounds });
  }

  fullTableScan(): RecordedQuery {
    return this;
  }

  order(order: "asc" | "desc"): RecordedQuery {
    return new RecordedQuery({ ...this.range, order });
  }

  filter(predicate: unknown): RecordedQuery {
    return new RecordedQuery({ ...this.range, filters: [...this.range.filters, predicate] });
  }

  withSearchIndex(): never {
    throw unsupported(this.range.table, "a search has no stable order to resume in");
  }

  paginate = this.#unread("paginate");
  collect = this.#unread("collect");
  take = this.#unread("take");
  first = this.#unread("first");
  unique = this.#unread("unique");
  [Symbol.asyncIterator] = this.#unread("for await");

  #unread(method: string): () => never {
    return () => {
      throw unsupported(this.range.table, `customRange returns a query and must not read it with ${method}`);
    };
  }
}

class RecordedBounds {
  readonly bounds: readonly Bound[];

  constructor(bounds: readonly Bound[]) {
    this.bounds = bounds;
  }

  eq = this.#with("eq");
  gt = this.#with("gt");
  gte = this.#with("gte");
  lt = this.#with("lt");
  lte = this.#with("lte");

  #with(comparison: Bound["comparison"]): (field: string, value: Value | undefined) => RecordedBounds {
    return (field, value) => new RecordedBounds([...this.bounds, { comparison, field, value }]);
  }
}
