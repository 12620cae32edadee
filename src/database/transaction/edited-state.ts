/** What code that a transaction itself calls may know of its state, so that the two do not import each other. */
import type { MaybePromise, StorageReader } from "../../storage/storage.js";
import type { Catalog, TableEntry } from "../catalog/catalog.js";
import type { CatalogEdit } from "../catalog/edits.js";
import type { BaseView } from "./base-view.js";
import type { TableCounts } from "../catalog/records.js";
import type { TableWrites } from "./table-writes.js";

export interface EditedState {
  readonly base: BaseView;
  /** Entries as they were when the transaction began; what is read of them counts as read by the transaction. */
  readonly stored: StorageReader;
  readonly beganAtMs: number;
  /** With what this transaction has created. */
  readonly catalog: Catalog;
  /** Goes on with another catalog. */
  edit(edit: CatalogEdit): void;
  writesTo(tableId: number): TableWrites | undefined;
  /** A table's counts with the transaction's own writes. */
  counts(table: TableEntry): MaybePromise<TableCounts>;
}
