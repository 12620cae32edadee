/**
 * What a transaction changed for readers beside the keys that it wrote: the id and all index entries of each document that it
 * wrote, because a query over an index depends on the documents that it found there, and all of a table that has another shape or
 * name now. A batch of the write-through changes no document that anybody sees, and index entries only where a transform turned
 * out to be impure. It is worked out when somebody asks.
 */
import type { Touched } from "../../storage/storage.js";
import { catalogKeys } from "../catalog/key-layout.js";
import type { TransactionState } from "./transaction.js";

export class TouchedByTransaction implements Touched {
  readonly #state: TransactionState;
  #keys: readonly string[] | undefined;
  #prefixes: readonly string[] | undefined;

  constructor(state: TransactionState) {
    this.#state = state;
  }

  get isQuiet(): boolean {
    return this.#state.isWriteThrough;
  }

  /** O(documents written × indexes) the first time. */
  get keys(): readonly string[] {
    const tables = this.#state.tables.values();
    this.#keys ??= [...tables].flatMap((writes) => [
      ...(this.isQuiet ? writes.changedEntries() : writes.unchangedKeys()),
    ]);
    return this.#keys;
  }

  /** O(tables) the first time when the catalog has changed. */
  get prefixes(): readonly string[] {
    this.#prefixes ??= [...prefixesTouched(this.#state)];
    return this.#prefixes;
  }
}

function* prefixesTouched({ recordWrites, baseCatalog, catalog }: TransactionState): Generator<string> {
  if (catalog === baseCatalog) return;
  for (const [key, value] of recordWrites) {
    const isDropped = value !== undefined && key.startsWith(catalogKeys.toClear);
    if (isDropped) yield key.slice(catalogKeys.toClear.length);
  }
  for (const component of baseCatalog.components.values()) {
    for (const table of component.tables.values()) {
      const next = catalog.tableById(table.id);
      if (next === undefined || (next.name === table.name && next.shape === table.shape)) continue;
      yield* [next.documentsPrefix, next.idsPrefix, next.countsKey];
      for (const index of next.indexes) yield index.prefix;
    }
  }
}
