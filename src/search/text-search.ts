/**
 * Text search as tests need it: not an index but a scan of the whole table at each search, O(documents). A document matches
 * when a word of its search field begins with one of the words searched for, in any case. Documents that match more of the
 * words come first, then older ones; Convex ranks by more than that.
 */
import { compareValues, type Value } from "convex/values";
import {
  valueAt,
  type Document,
  type DocumentStream,
  type Page,
  type PageOptions,
  type Query,
  type QueryOperator,
} from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import type { SchemaJson, SearchIndexJson } from "../schema/index.js";

/** What a search asks of a field: that it has words of a text, or that it equals a value. */
export type SearchCondition =
  | { readonly type: "Search"; readonly fieldPath: string; readonly text: string }
  | { readonly type: "Eq"; readonly fieldPath: string; readonly value: Value | undefined };

/** How a search reads the documents of its table. */
export interface SearchedTable {
  stream(query: Query): DocumentStream;
  take(stream: DocumentStream, count: number): Promise<Document[]>;
}

/** @throws INDEX_NOT_FOUND */
export function searchIndexOf(
  schema: SchemaJson | null,
  tableName: string,
  indexName: string,
): SearchIndexJson {
  const table = schema?.tables.find((candidate) => candidate.tableName === tableName);
  const index = table?.searchIndexes.find(({ indexDescriptor }) => indexDescriptor === indexName);
  if (index === undefined) {
    throw new TrueupError("INDEX_NOT_FOUND", `Table '${tableName}' has no search index '${indexName}'.`, {
      table: tableName,
      index: indexName,
    });
  }
  return index;
}

/** The documents that a search finds, to be read like those of a table. */
export class SearchedDocuments {
  readonly #table: SearchedTable;
  readonly #fieldPath: string;
  readonly #words: readonly string[];
  readonly #equals: readonly { readonly fieldPath: string; readonly value: Value | undefined }[];

  /** @throws INVALID_CALL when the index does not have the fields that are searched. */
  constructor(table: SearchedTable, index: SearchIndexJson, conditions: readonly SearchCondition[]) {
    const searches = conditions.filter((condition) => condition.type === "Search");
    const equals = conditions.filter((condition) => condition.type === "Eq");
    for (const { type, fieldPath } of conditions) {
      const isInIndex =
        type === "Search" ? fieldPath === index.searchField : index.filterFields.includes(fieldPath);
      if (!isInIndex) {
        throw new TrueupError(
          "INVALID_CALL",
          `Search index '${index.indexDescriptor}' has no ${type === "Search" ? "search" : "filter"} field '${fieldPath}'.`,
          { index: index.indexDescriptor, field: fieldPath },
        );
      }
    }
    const [search, ...others] = searches;
    if (search === undefined || others.length > 0) {
      throw new TrueupError("INVALID_CALL", "Search queries must contain exactly one search filter.");
    }
    this.#table = table;
    this.#fieldPath = search.fieldPath;
    this.#words = wordsOf(search.text);
    this.#equals = equals;
  }

  stream(query: Query): DocumentStream {
    return new RankedStream(() => this.#find(query));
  }
  next(stream: DocumentStream): Promise<Document | null> {
    return stream.next();
  }
  take(stream: DocumentStream, count: number): Promise<Document[]> {
    return stream.take(count);
  }

  /** @throws INVALID_CURSOR */
  async page(query: Query, { cursor, numItems }: PageOptions): Promise<Page> {
    const begin = cursor === null ? 0 : Number(cursor);
    if (!Number.isSafeInteger(begin)) {
      throw new TrueupError("INVALID_CURSOR", "InvalidCursor: this is no cursor of a search.");
    }
    const found = await this.#find(query);
    const end = Math.min(found.length, begin + numItems);
    return {
      page: found.slice(begin, end),
      isDone: end >= found.length,
      continueCursor: String(end),
      splitCursor: null,
      pageStatus: null,
    };
  }

  async #find(query: Query): Promise<Document[]> {
    const { operators } = query;
    const firstLimit = operators.findIndex((operator) => "limit" in operator);
    const filters = firstLimit < 0 ? operators : operators.slice(0, firstLimit);
    const stream = this.#table.stream({ ...query, operators: filters });
    const documents = await this.#table.take(stream, Infinity);
    stream.close();
    const ranked = documents
      .map((document) => ({ document, rank: this.#rank(document) }))
      .filter(({ rank }) => rank > 0)
      .sort((a, b) => b.rank - a.rank)
      .map(({ document }) => document);
    return ranked.slice(0, lowestLimit(operators));
  }

  /** How many of the words searched for the document has; 0 when a field does not equal what it should. */
  #rank(document: Document): number {
    const differs = this.#equals.some(
      ({ fieldPath, value }) => compareValues(fieldOf(document, fieldPath), value) !== 0,
    );
    if (differs) return 0;
    const text = fieldOf(document, this.#fieldPath);
    const words = typeof text === "string" ? wordsOf(text) : [];
    return this.#words.filter((wanted) => words.some((word) => word.startsWith(wanted))).length;
  }
}

/** Finds its documents when the first of them is read. */
class RankedStream implements DocumentStream {
  readonly #find: () => Promise<Document[]>;
  #found: Promise<Document[]> | null = null;
  #at = 0;

  constructor(find: () => Promise<Document[]>) {
    this.#find = find;
  }

  async next(): Promise<Document | null> {
    return (await this.take(1))[0] ?? null;
  }

  async take(count: number): Promise<Document[]> {
    this.#found ??= this.#find();
    const taken = (await this.#found).slice(this.#at, this.#at + count);
    this.#at += taken.length;
    return taken;
  }

  close(): void {
    this.#found = Promise.resolve([]);
  }
}

function fieldOf(document: Document, fieldPath: string): Value | undefined {
  return valueAt(document, fieldPath.split("."));
}

function lowestLimit(operators: readonly QueryOperator[]): number {
  return Math.min(
    Infinity,
    ...operators.flatMap((operator) => ("limit" in operator ? [operator.limit] : [])),
  );
}

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}
