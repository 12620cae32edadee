/**
 * A query as data: where it reads, in which order, and what it keeps. The shapes are those of the official
 * query objects, with Convex values where those have their JSON.
 */
import type { Value } from "convex/values";
import type { Document } from "../documents/document.js";

export type Order = "asc" | "desc";

/** One link of an index range; `value` undefined stands for a missing field. */
export interface RangeBound {
  readonly type: "Eq" | "Gt" | "Gte" | "Lt" | "Lte";
  readonly fieldPath: string;
  readonly value: Value | undefined;
}

type Pair = readonly [Expression, Expression];

/** What `filter` evaluates per document. */
export type Expression =
  | { readonly $eq: Pair }
  | { readonly $neq: Pair }
  | { readonly $lt: Pair }
  | { readonly $lte: Pair }
  | { readonly $gt: Pair }
  | { readonly $gte: Pair }
  | { readonly $add: Pair }
  | { readonly $sub: Pair }
  | { readonly $mul: Pair }
  | { readonly $div: Pair }
  | { readonly $mod: Pair }
  | { readonly $neg: Expression }
  | { readonly $and: readonly Expression[] }
  | { readonly $or: readonly Expression[] }
  | { readonly $not: Expression }
  | { readonly $field: string }
  | { readonly $literal: Value | undefined };

/** The whole table in order of creation, or a range of an index, named "table.index". */
export type QuerySource =
  | { readonly type: "FullTableScan"; readonly tableName: string; readonly order: Order | null }
  | {
      readonly type: "IndexRange";
      readonly indexName: string;
      readonly range: readonly RangeBound[];
      readonly order: Order | null;
    };

/** Applied in the order given. */
export type QueryOperator = { readonly filter: Expression } | { readonly limit: number };

export interface Query {
  readonly source: QuerySource;
  readonly operators: readonly QueryOperator[];
}

export interface PageOptions {
  /** Where the page begins: null for the beginning, or a page's `continueCursor` or `splitCursor`. */
  readonly cursor: string | null;
  /** How many documents to return; ignored when there is an `endCursor`. */
  readonly numItems: number;
  /** Where the page ends, whatever comes and goes in between. */
  readonly endCursor?: string | null | undefined;
  /** At most so many documents read, those filtered out included. */
  readonly maximumRowsRead?: number | undefined;
  /** At most so many bytes read; the document that reaches it is the last one. */
  readonly maximumBytesRead?: number | undefined;
}

export interface Page {
  readonly page: Document[];
  readonly isDone: boolean;
  /** Where the next page begins. Stays valid while documents come and go. */
  readonly continueCursor: string;
  /** A place about the middle of what was read, when the page should be split. */
  readonly splitCursor: string | null;
  /** `SplitRequired`: cut short by `maximumRowsRead` or `maximumBytesRead`. */
  readonly pageStatus: "SplitRecommended" | "SplitRequired" | null;
}

/**
 * The documents of a query, one after another.
 *
 * Contract: each step yields the next document after the last one in the transaction's state at that
 * moment, so writes made meanwhile are seen where they lie ahead.
 */
export interface DocumentStream {
  /** The next document, or null at the end. */
  next(): Promise<Document | null>;
  /** The next documents, at most `count`; fewer only at the end. Cheaper than as many calls of `next`. */
  take(count: number): Promise<Document[]>;
  close(): void;
}
