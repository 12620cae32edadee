/**
 * Text search as tests need it: not an index but a scan of the whole table at each search, O(documents). A
 * document matches when a word of its search field begins with one of the words searched for, in any case;
 * those that match more of the words come first, then older ones. Convex ranks by more than that.
 */
import { compareValues, type Value } from "convex/values";
import type {
  Document,
  DocumentStream,
  Page,
  PageOptions,
  Query,
  QueryOperator,
} from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { SearchIndexJson } from "../../schema/index.js";
import type { DocumentSource } from "./query-builder.js";
import { requireArgument } from "./require-argument.js";

type Condition =
  | { readonly type: "Search"; readonly fieldPath: string; readonly words: readonly string[] }
  | { readonly type: "Eq"; readonly fieldPath: string; readonly value: Value | undefined };

/** What `withSearchIndex` hands to its callback. */
export class SearchFilterBuilder {
  readonly conditions: readonly Condition[];

  constructor(conditions: readonly Condition[] = []) {
    this.conditions = conditions;
  }

  search(fieldPath: string, text: string): SearchFilterBuilder {
    requireArgument(fieldPath, 1, "search", "fieldName");
    requireArgument(text, 2, "search", "query");
    return new SearchFilterBuilder([...this.conditions, { type: "Search", fieldPath, words: wordsOf(text) }]);
  }

  eq(fieldPath: string, value: Value | undefined): SearchFilterBuilder {
    requireArgument(fieldPath, 1, "eq", "fieldName");
    return new SearchFilterBuilder([...this.conditions, { type: "Eq", fieldPath, value }]);
  }
}

/** The documents of a search, read like those of a table. */
export class SearchedDocuments implements DocumentSource {
  readonly #table: DocumentSource;
  readonly #conditions: readonly Condition[];

  /** @throws INVALID_CALL when the index does not have the fields that are searched. */
  constructor(table: DocumentSource, index: SearchIndexJson, conditions: readonly Condition[]) {
    this.#table = table;
    this.#conditions = conditions;
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
    if (conditions.filter(({ type }) => type === "Search").length !== 1) {
      throw new TrueupError("INVALID_CALL", "Search queries must contain exactly one search filter.");
    }
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
  count(tableName: string): Promise<number> {
    return this.#table.count(tableName);
  }
  searchIndex(tableName: string, indexName: string): SearchIndexJson {
    return this.#table.searchIndex(tableName, indexName);
  }

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

  /** How many of the words searched for the document has; 0 when a condition fails. */
  #rank(document: Document): number {
    let rank = 0;
    for (const condition of this.#conditions) {
      const value = fieldAt(document, condition.fieldPath);
      if (condition.type === "Eq") {
        if (compareValues(value, condition.value) !== 0) {
          return 0;
        }
      } else {
        const words = typeof value === "string" ? wordsOf(value) : [];
        rank += condition.words.filter((wanted) => words.some((word) => word.startsWith(wanted))).length;
      }
    }
    return rank;
  }
}

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

/** The value at a path of a document, `a.b`; undefined where there is none. */
export function fieldAt(document: Document, fieldPath: string): Value | undefined {
  let value: Value | undefined = document;
  for (const name of fieldPath.split(".")) {
    value =
      typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ArrayBuffer)
        ? (value as Record<string, Value | undefined>)[name]
        : undefined;
  }
  return value;
}
