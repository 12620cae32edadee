/**
 * Models the database with plain arrays: a table is a list of documents, a query filters and sorts
 * all of it, a transaction is a copy that is kept or thrown away. It is slow and obviously right. The engine's ids and
 * creation times are handed in, since they are the engine's to choose.
 */
import type { Value } from "convex/values";
import type { Document, Expression, Query, RangeBound } from "../../src/database/index.js";
import { compareValues } from "../../src/values/index.js";

type Tables = Map<string, Document[]>;

/** The fields of each index by "table.index". */
export type ModelIndexes = ReadonlyMap<string, readonly string[]>;

export class DatabaseModel {
  #tables: Tables = new Map();
  readonly #indexes: ModelIndexes;

  constructor(indexes: ModelIndexes) {
    this.#indexes = indexes;
  }

  insert(table: string, document: Document): void {
    this.#tables.set(table, [...this.documents(table), document]);
  }

  /** Sets the document that has this id; null deletes it. */
  set(table: string, id: string, document: Document | null): void {
    const others = this.documents(table).filter(({ _id }) => _id !== id);
    this.#tables.set(table, document === null ? others : [...others, document]);
  }

  documents(table: string): readonly Document[] {
    return this.#tables.get(table) ?? [];
  }

  get(table: string, id: string): Document | null {
    return this.documents(table).find(({ _id }) => _id === id) ?? null;
  }

  /** What undoes everything from here on. */
  save(): () => void {
    const saved = new Map(this.#tables);
    return () => {
      this.#tables = new Map(saved);
    };
  }

  /** All documents of the query's range in its order, before its operators. */
  range({ source }: Query): Document[] {
    const [table = "", index = "by_creation_time"] =
      source.type === "IndexRange" ? source.indexName.split(".") : [source.tableName];
    const bounds = source.type === "IndexRange" ? source.range : [];
    const fields = this.fields(table, index);
    const inRange = this.documents(table).filter((document) =>
      bounds.every((bound) => isWithin(fieldOf(document, bound.fieldPath), bound)),
    );
    inRange.sort((a, b) => compareBy(fields, a, b));
    return source.order === "desc" ? inRange.reverse() : inRange;
  }

  /** What the query yields. */
  run(query: Query): Document[] {
    let documents = this.range(query);
    for (const operator of query.operators) {
      documents =
        "filter" in operator
          ? documents.filter((document) => evaluate(operator.filter, document) === true)
          : documents.slice(0, operator.limit);
    }
    return documents;
  }

  /** The fields that order an index, to the last. */
  fields(table: string, index: string): readonly string[] {
    if (index === "by_id") return ["_id"];
    return [...(this.#indexes.get(`${table}.${index}`) ?? []), "_creationTime", "_id"];
  }
}

/** The order of two documents in an index. */
export function compareBy(fields: readonly string[], a: Document, b: Document): number {
  for (const field of fields) {
    const order = compareValues(fieldOf(a, field), fieldOf(b, field));
    if (order !== 0) return order;
  }
  return 0;
}

function isWithin(value: Value | undefined, bound: RangeBound): boolean {
  const order = compareValues(value, bound.value);
  switch (bound.type) {
    case "Eq":
      return order === 0;
    case "Gt":
      return order > 0;
    case "Gte":
      return order >= 0;
    case "Lt":
      return order < 0;
    case "Lte":
      return order <= 0;
  }
}

function fieldOf(document: Document, path: string): Value | undefined {
  let value: Value | undefined = document;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    if (value instanceof ArrayBuffer || !Object.hasOwn(value, name)) return undefined;
    value = (value as Document)[name];
  }
  return value;
}

/** Comparisons and logic only: arithmetic has tests of its own. */
function evaluate(expression: Expression, document: Document): Value | undefined {
  if ("$field" in expression) return fieldOf(document, expression.$field);
  if ("$literal" in expression) return expression.$literal;
  if ("$and" in expression) return expression.$and.every((part) => evaluate(part, document) === true);
  if ("$or" in expression) return expression.$or.some((part) => evaluate(part, document) === true);
  if ("$not" in expression) return evaluate(expression.$not, document) !== true;
  const order = ([a, b]: readonly [Expression, Expression]): number =>
    compareValues(evaluate(a, document), evaluate(b, document));
  if ("$eq" in expression) return order(expression.$eq) === 0;
  if ("$neq" in expression) return order(expression.$neq) !== 0;
  if ("$lt" in expression) return order(expression.$lt) < 0;
  if ("$lte" in expression) return order(expression.$lte) <= 0;
  if ("$gt" in expression) return order(expression.$gt) > 0;
  if ("$gte" in expression) return order(expression.$gte) >= 0;
  throw new Error(`the model has no ${Object.keys(expression).join()}`);
}
