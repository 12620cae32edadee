/**
 * Cells: what a component keeps beside its tables, for engine-made structures such as the nodes of an aggregate.
 * A cell has a name and a value that its codec turns into text. Values are kept decoded, in the
 * transaction and across transactions, and are encoded once, at commit: so they must never be changed in place.
 * Cells are not documents: they count towards no limit of Convex's, have no schema, and no hook hears of them.
 */
import type { MaybePromise } from "../../storage/storage.js";

/** How a kind of value is stored. `decode(encode(value))` equals `value`. */
export interface CellCodec<T> {
  encode(value: T): string;
  decode(text: string): T;
}

/** One component's cells of one kind, as a transaction reads them. */
export interface CellReader<T> {
  /** The value, which must not be changed; undefined when there is none. O(1) storage reads, none when cached. */
  get(name: string): MaybePromise<T | undefined>;
  /** The names that start with a prefix, in order, up to `take` of them. For looking inside: not in the read set. */
  names(prefix: string, take: number): Promise<string[]>;
}

/** The same, as a mutation writes them. */
export interface CellWriter<T> extends CellReader<T> {
  /** Sets the value, or removes the cell when it is undefined. Undone with the sub-transaction it is part of. */
  set(name: string, value: T | undefined): void;
}

/** A value as transactions and the cache hold it; null says that there is no such cell. */
export type Cell = { readonly value: unknown } | null;

/** A cell that a transaction wrote. */
export interface CellWrite {
  readonly cell: Cell;
  /** Undefined for a cell that was removed. */
  encode(): string | undefined;
}
