/**
 * Cells are what a component keeps beside its tables: structures that the engine makes, such as the nodes of an aggregate.
 * A cell has a name and a value that its codec turns into text. Values stay decoded, in the transaction and across
 * transactions, and are encoded once, at commit; so they must never be changed in place. Cells are not documents: they count
 * towards no limit of Convex's, have no schema, and no hook hears of them.
 */
export type { CellCodec, CellReader, CellWriter } from "../seams/index.js";

/** A value as transactions and the cache hold it; null says that there is no such cell. */
export type Cell = { readonly value: unknown } | null;

/** A cell that a transaction wrote. */
export interface CellWrite {
  readonly cell: Cell;
  /** Undefined for a cell that was removed. */
  encode(): string | undefined;
}
