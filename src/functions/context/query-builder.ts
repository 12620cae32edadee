/**
 * What `ctx.db.query(table)` returns. A query is prepared by chaining, where each link is used once, and is then
 * read once: by iteration, `collect`, `take`, `first`, `unique` or `paginate`. It reads through a `DocumentSource`,
 * so the same builder serves tables of the app, system tables, stale snapshots and searches.
 */
import type { Document, DocumentStream, Page, PageOptions, Query, RangeBound } from "../../database/index.js";
import { shown, TrueupError } from "../../errors/index.js";
import type { SearchIndexJson } from "../../schema/index.js";
import { SearchedDocuments } from "../../search/index.js";
import {
  filterBuilder,
  IndexRangeBuilder,
  SearchFilterBuilder,
  toExpression,
  type FilterBuilder,
} from "./condition-builders.js";
import { requireArgument } from "./refused-calls.js";

/** How the documents of a query are read. */
interface DocumentSource {
  stream(query: Query): DocumentStream;
  next(stream: DocumentStream): Promise<Document | null>;
  take(stream: DocumentStream, count: number): Promise<Document[]>;
  page(query: Query, options: PageOptions): Promise<Page>;
}

/** How the documents of a table are read, and what is asked about the table itself. */
export interface TableSource extends DocumentSource {
  count(tableName: string): Promise<number>;
  /** @throws FEATURE_NOT_SUPPORTED, INDEX_NOT_FOUND */
  searchIndex(tableName: string, indexName: string): SearchIndexJson;
}

const maxOperators = 256;
const batchSize = 1024;

type Order = "asc" | "desc";
type Operators = Query["operators"];

/** A table before an index is chosen. Every reading method scans the whole table by creation time. */
export class TableQuery {
  readonly #source: TableSource;
  readonly #tableName: string;

  constructor(source: TableSource, tableName: string) {
    this.#source = source;
    this.#tableName = tableName;
  }

  withIndex(indexName: string, range?: (q: IndexRangeBuilder) => IndexRangeBuilder): PreparedQuery {
    requireArgument(indexName, 1, "withIndex", "indexName");
    if (typeof indexName !== "string") throw notA("withIndex", "the name of an index", indexName);
    const builder = new IndexRangeBuilder();
    if (range !== undefined && typeof range !== "function") throw notA("withIndex", "a function", range);
    const built: unknown = range === undefined ? builder : range(builder);
    if (!(built instanceof IndexRangeBuilder)) throw notA("withIndex", "a function that returns `q`", built);
    return new PreparedQuery(this.#source, this.#tableName, {
      type: "IndexRange",
      indexName: `${this.#tableName}.${indexName}`,
      range: built.export(),
    });
  }

  withSearchIndex(indexName: string, search: (q: SearchFilterBuilder) => SearchFilterBuilder): PreparedQuery {
    requireArgument(indexName, 1, "withSearchIndex", "indexName");
    requireArgument(search, 2, "withSearchIndex", "searchFilter");
    if (typeof search !== "function") throw notA("withSearchIndex", "a function", search);
    const index = this.#source.searchIndex(this.#tableName, indexName);
    const { conditions } = search(new SearchFilterBuilder());
    const found = new SearchedDocuments(this.#source, index, conditions);
    return new PreparedQuery(found, this.#tableName, { type: "FullTableScan", tableName: this.#tableName });
  }

  fullTableScan(): PreparedQuery {
    return new PreparedQuery(this.#source, this.#tableName, {
      type: "FullTableScan",
      tableName: this.#tableName,
    });
  }

  /** The number of documents in the table. O(1). */
  count(): Promise<number> {
    return this.#source.count(this.#tableName);
  }

  order(order: Order): PreparedQuery {
    return this.fullTableScan().order(order);
  }
  filter(predicate: (q: FilterBuilder) => unknown): PreparedQuery {
    return this.fullTableScan().filter(predicate);
  }
  limit(n: number): PreparedQuery {
    return this.fullTableScan().limit(n);
  }
  collect(): Promise<Document[]> {
    return this.fullTableScan().collect();
  }
  take(n: number): Promise<Document[]> {
    return this.fullTableScan().take(n);
  }
  first(): Promise<Document | null> {
    return this.fullTableScan().first();
  }
  unique(): Promise<Document | null> {
    return this.fullTableScan().unique();
  }
  paginate(options: PageOptions): Promise<Page> {
    return this.fullTableScan().paginate(options);
  }
  [Symbol.asyncIterator](): AsyncIterableIterator<Document> {
    return this.fullTableScan()[Symbol.asyncIterator]();
  }
}

/** The range that a query reads, before its order is known. */
type PreparedSource =
  | { readonly type: "FullTableScan"; readonly tableName: string }
  | { readonly type: "IndexRange"; readonly indexName: string; readonly range: readonly RangeBound[] };

/** A query that can be ordered, filtered, limited and read. */
export class PreparedQuery implements AsyncIterableIterator<Document> {
  readonly #source: DocumentSource;
  readonly #tableName: string;
  readonly #from: PreparedSource;
  readonly #order: Order | null;
  readonly #operators: Operators;
  #stream: DocumentStream | null = null;
  #state: "prepared" | "chained" | "reading" | "read" = "prepared";

  constructor(
    source: DocumentSource,
    tableName: string,
    from: PreparedSource,
    order: Order | null = null,
    operators: Operators = [],
  ) {
    this.#source = source;
    this.#tableName = tableName;
    this.#from = from;
    this.#order = order;
    this.#operators = operators;
  }

  /** @throws QUERY_USED_TWICE, INVALID_CALL when an order was already given. */
  order(order: Order): PreparedQuery {
    requireArgument(order, 1, "order", "order");
    this.#chain();
    if (order !== "asc" && order !== "desc") {
      throw new TrueupError("INVALID_CALL", `order takes "asc" or "desc", not ${shown(order)}.`);
    }
    if (this.#order !== null) {
      throw new TrueupError("INVALID_CALL", "Queries may only specify order at most once");
    }
    return new PreparedQuery(this.#source, this.#tableName, this.#from, order, this.#operators);
  }

  /** Keeps the documents for which the expression is true. Filters run in the order in which they are given. */
  filter(predicate: (q: FilterBuilder) => unknown): PreparedQuery {
    requireArgument(predicate, 1, "filter", "predicate");
    if (typeof predicate !== "function") throw notA("filter", "a function", predicate);
    return this.#with({ filter: toExpression(predicate(filterBuilder)) });
  }

  limit(n: number): PreparedQuery {
    requireArgument(n, 1, "limit", "n");
    requireCount(n, "limit");
    return this.#with({ limit: n });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Document> {
    if (this.#state === "reading") {
      throw new TrueupError("QUERY_USED_TWICE", "Iteration can only begin on a query once.");
    }
    this.#open();
    return this;
  }

  async next(): Promise<IteratorResult<Document, undefined>> {
    const stream = this.#stream ?? this.#open();
    const value = await this.#source.next(stream);
    if (value === null) {
      this.#close();
      return { value: undefined, done: true };
    }
    return { value, done: false };
  }

  return(): Promise<IteratorResult<Document, undefined>> {
    this.#close();
    return Promise.resolve({ value: undefined, done: true });
  }

  async collect(): Promise<Document[]> {
    const stream = this.#open();
    try {
      const documents = await this.#source.take(stream, batchSize);
      for (let last = documents.length; last === batchSize;) {
        const batch = await this.#source.take(stream, batchSize);
        documents.push(...batch);
        last = batch.length;
      }
      return documents;
    } finally {
      this.#close();
    }
  }

  async take(n: number): Promise<Document[]> {
    requireArgument(n, 1, "take", "n");
    requireCount(n, "take");
    return await this.limit(n).collect();
  }

  async first(): Promise<Document | null> {
    const [first] = await this.take(1);
    return first ?? null;
  }

  /** @throws QUERY_NOT_UNIQUE when there is more than one. */
  async unique(): Promise<Document | null> {
    const [first, second] = await this.take(2);
    if (first !== undefined && second !== undefined) {
      throw new TrueupError(
        "QUERY_NOT_UNIQUE",
        `unique() query returned more than one result from table ${this.#tableName}:\n ` +
          `[${first._id}, ${second._id}, ...]`,
        { table: this.#tableName, ids: [first._id, second._id] },
      );
    }
    return first ?? null;
  }

  async paginate(options: PageOptions): Promise<Page> {
    requireArgument(options, 1, "paginate", "options");
    const numItems: unknown = options?.numItems;
    const isCount = Number.isInteger(numItems) || numItems === Infinity;
    if (typeof numItems !== "number" || !isCount || numItems < 0) {
      throw new TrueupError(
        "INVALID_CALL",
        `\`options.numItems\` must be a positive number. Received \`${shown(numItems)}\`.`,
      );
    }
    if (numItems === 0) {
      throw new TrueupError("INVALID_CALL", "Must request at least 1 document while paginating");
    }
    this.#chain();
    return await this.#source.page(this.#query(), options);
  }

  #with(operator: Operators[number]): PreparedQuery {
    this.#chain();
    if (this.#operators.length >= maxOperators) {
      throw new TrueupError("INVALID_CALL", `Can't construct query with more than ${maxOperators} operators`);
    }
    const operators = [...this.#operators, operator];
    return new PreparedQuery(this.#source, this.#tableName, this.#from, this.#order, operators);
  }

  #query(): Query {
    return {
      source: { ...this.#from, order: this.#order },
      operators: this.#operators,
    };
  }

  #chain(): void {
    if (this.#state !== "prepared") {
      throw new TrueupError(
        "QUERY_USED_TWICE",
        "A query can only be chained once and can't be chained after iteration begins.",
      );
    }
    this.#state = "chained";
  }

  #open(): DocumentStream {
    if (this.#state === "chained" || this.#state === "read") {
      throw new TrueupError(
        "QUERY_USED_TWICE",
        this.#state === "read"
          ? "This query is closed and can't emit any more values."
          : "This query has been chained with another operator and can't be reused.",
      );
    }
    this.#state = "reading";
    this.#stream ??= this.#source.stream(this.#query());
    return this.#stream;
  }

  #close(): void {
    this.#stream?.close();
    this.#stream = null;
    this.#state = "read";
  }
}

function requireCount(n: unknown, method: string): void {
  if (Number.isInteger(n) && Number(n) >= 0) return;
  throw new TrueupError("INVALID_CALL", `Arg 1 \`n\` to \`${method}\` must be a non-negative integer`);
}

function notA(method: string, expected: string, received: unknown): TrueupError {
  return new TrueupError("INVALID_CALL", `\`${method}\` takes ${expected}. Received: ${shown(received)}`);
}
