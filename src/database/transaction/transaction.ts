/**
 * The state of one transaction: what it began from, what it wrote, what it read, what it used. Nested
 * sub-transactions share it: each remembers how long the list of undo steps was when it began, and runs the later
 * steps when it fails. Handles for reading and writing tables are in `reader.ts` and `writer.ts`.
 */
import { TrueupError } from "../../errors/index.js";
import type { MaybePromise, StorageReader, Version } from "../../storage/storage.js";
import { prefixEnd } from "../../values/index.js";
import type { Catalog, TableEntry } from "../catalog/catalog.js";
import type { CatalogEdit } from "../catalog/edits.js";
import type { CellCodec } from "../../seams/index.js";
import type { BaseView, CellWrite } from "./base-view.js";
import type { Cell } from "../documents/caches.js";
import type { StoredDocument } from "../documents/stored-document.js";
import { tableToWrite } from "../transforms/prepared-transforms.js";
import { storedEntries } from "../transforms/stored-entries.js";
import type { TableCounts } from "../catalog/records.js";
import { type TransactionLimits, Usage } from "./limits.js";
import { ReadSet } from "./read-set.js";
import { RecordedReader } from "./recorded-reader.js";
import type { EditedState } from "./edited-state.js";
import { type RecordUndo, type StoredEntries, TableWrites } from "./table-writes.js";

/** What a transaction sees of the storage; `before` is left out where that is the same. */
export interface Views {
  readonly base: BaseView;
  readonly before?: BaseView;
}

export class TransactionState implements EditedState {
  readonly base: BaseView;
  /** The database as of a commit with all before it, without what was handed over before the transaction and is pending. */
  readonly before: BaseView;
  readonly usage: Usage;
  readonly readSet: ReadSet = new ReadSet();
  #stored: StorageReader | undefined;
  readonly beganAtMs: number;
  readonly version: Version;
  /** As it was when the transaction began. */
  readonly baseCatalog: Catalog;
  /** With what this transaction has created. Only `edit` changes it. */
  catalog: Catalog;
  /** Rises with every write and undo. */
  changes = 0;
  /** How many of these were writes of a component's documents and cells, by the component's path. */
  readonly #changesOf: Map<string, number> = new Map();
  /** How many may have changed anything. */
  #changesOfAll = 0;
  /** The tables written to, by id. */
  readonly tables: Map<number, TableWrites> = new Map();
  /** What is written outside of the tables; undefined for what is removed. */
  readonly recordWrites: Map<string, string | undefined> = new Map();
  readonly cellWrites: Map<string, CellWrite> = new Map();
  #undo: (() => void)[] = [];
  #depth = 0;
  /** True when the writes change no document that anyone sees: caches then learn only of documents that they hold. */
  isWriteThrough = false;
  #isOver = false;

  constructor(
    { base, before = base }: Views,
    catalog: Catalog,
    limits: TransactionLimits,
    beganAtMs: number,
  ) {
    this.base = base;
    this.before = before;
    this.version = base.storage.version;
    this.baseCatalog = catalog;
    this.catalog = catalog;
    this.usage = new Usage(limits);
    this.beganAtMs = beganAtMs;
  }

  get stored(): StorageReader {
    return (this.#stored ??= new RecordedReader(this.base.storage, this.readSet));
  }

  /** Rises with everything after which a component's documents or cells may read differently than before. */
  changesOf(componentPath: string): number {
    return (this.#changesOf.get(componentPath) ?? 0) + this.#changesOfAll;
  }

  /** @param componentPath The component whose documents or cells alone change; null when it may be anything. */
  #noteChange(componentPath: string | null): void {
    this.changes++;
    if (componentPath === null) this.#changesOfAll++;
    else this.#changesOf.set(componentPath, (this.#changesOf.get(componentPath) ?? 0) + 1);
  }

  /** @throws TRANSACTION_OVER */
  assertActive(): void {
    if (this.#isOver) throw new TrueupError("TRANSACTION_OVER");
  }

  end(): void {
    this.#isOver = true;
  }

  writesTo(tableId: number): TableWrites | undefined {
    return this.tables.get(tableId);
  }

  /** The document as this transaction sees it. */
  document(table: TableEntry, internalId: string): MaybePromise<StoredDocument | null> {
    const own = this.tables.get(table.id)?.ids.get(table.idsPrefix + internalId);
    if (own === undefined) return this.base.document(table, internalId);
    return own.stored === null ? null : this.base.inShape(table, own.stored);
  }

  /** Whether this transaction has inserted, changed or deleted the document. */
  isWritten(table: TableEntry, internalId: string): boolean {
    return this.tables.get(table.id)?.ids.get(table.idsPrefix + internalId) !== undefined;
  }

  /** The cell as this transaction sees it. */
  cell(key: string, codec: CellCodec<unknown>): MaybePromise<Cell> {
    const own = this.cellWrites.get(key);
    return own === undefined ? this.base.cell(key, codec) : own.cell;
  }

  /** The keys of cells that start with a prefix, in order. */
  async cellNames(start: string, take: number): Promise<string[]> {
    const own = [...this.cellWrites].filter(([key]) => key.startsWith(start));
    const removed = own.filter(([, { cell }]) => cell === null).length;
    const keys = new Set(await namesOfCells(this.stored, start, take + removed));
    for (const [key, { cell }] of own) {
      if (cell === null) keys.delete(key);
      else keys.add(key);
    }
    return [...keys].sort().slice(0, take);
  }

  writeCell(componentPath: string, key: string, write: CellWrite): void {
    this.#noteChange(componentPath);
    const before = this.cellWrites.get(key);
    this.#recordUndo()?.(() => {
      if (before === undefined) this.cellWrites.delete(key);
      else this.cellWrites.set(key, before);
    });
    this.cellWrites.set(key, write);
  }

  /** A table's counts with the transaction's own writes. O(1). */
  counts(table: TableEntry): MaybePromise<TableCounts> {
    this.readSet.addKey(table.countsKey);
    const counts = this.base.counts(table);
    return counts instanceof Promise
      ? counts.then((found) => this.#withOwnCounts(found, table))
      : this.#withOwnCounts(counts, table);
  }

  #withOwnCounts(counts: TableCounts, table: TableEntry): TableCounts {
    const own = this.writesTo(table.id);
    if (own === undefined) return counts;
    return {
      documents: counts.documents + own.documentsDelta,
      sizeBytes: counts.sizeBytes + own.bytesDelta,
    };
  }

  /** Replaces one state of a document by the next. Resolves later only where a transform may affect its index entries. */
  write(
    table: TableEntry,
    internalId: string,
    before: StoredDocument | null,
    after: StoredDocument | null,
  ): MaybePromise<void> {
    if (table.transforms.length === 0) this.#write(table, internalId, before, after, null);
    else return this.#writeThroughTransforms(table, internalId, before, after);
  }

  async #writeThroughTransforms(
    ofTable: TableEntry,
    internalId: string,
    before: StoredDocument | null,
    after: StoredDocument | null,
  ): Promise<void> {
    const table = tableToWrite(this, ofTable, before, after);
    const entries = await storedEntries(this, table, internalId, before, after);
    this.#write(table, internalId, before, after, entries);
  }

  #write(
    table: TableEntry,
    internalId: string,
    before: StoredDocument | null,
    after: StoredDocument | null,
    entries: StoredEntries | null,
  ): void {
    this.#noteChange(table.componentPath);
    let writes = this.tables.get(table.id);
    if (writes === undefined) {
      writes = new TableWrites(table, this.base.shapes);
      this.tables.set(table.id, writes);
    }
    writes.table = table;
    writes.write(internalId, before, after, this.#recordUndo(), entries);
  }

  /** Drops this transaction's writes to a table that it removes. */
  forgetWrites(tableId: number): void {
    const writes = this.tables.get(tableId);
    if (writes === undefined) return;
    this.#noteChange(null);
    this.tables.delete(tableId);
    this.#recordUndo()?.(() => this.tables.set(tableId, writes));
  }

  /** Goes on with another catalog. */
  edit({ catalog, writes }: CatalogEdit): void {
    const before = this.catalog;
    const undo = this.#recordUndo();
    undo?.(() => {
      this.catalog = before;
    });
    this.catalog = catalog;
    for (const [key, value] of writes) this.writeRecord(key, value);
  }

  /** Writes one record outside of the tables. */
  writeRecord(key: string, value: string | undefined): void {
    this.#noteChange(null);
    const undo = this.#recordUndo();
    if (undo !== null) {
      const had = this.recordWrites.has(key);
      const before = this.recordWrites.get(key);
      undo(() => {
        if (had) this.recordWrites.set(key, before);
        else this.recordWrites.delete(key);
      });
    }
    this.recordWrites.set(key, value);
  }

  /** Runs with writes that are undone when it throws. Sub-transactions must not overlap. */
  async nested<T>(run: () => Promise<T>, limits?: Partial<TransactionLimits>): Promise<T> {
    this.assertActive();
    const mark = this.#undo.length;
    const used = { ...this.usage.used };
    const restoreLimits = limits === undefined ? null : this.usage.lower(limits);
    const depth = ++this.#depth;
    try {
      const result = await run();
      this.#leave(depth);
      if (this.#depth === 0) this.#undo = [];
      return result;
    } catch (error) {
      if (!this.#isOver) {
        this.#leave(depth);
        this.#rollBackTo(mark);
        this.usage.undoWrites(used);
      }
      throw error;
    } finally {
      restoreLimits?.();
    }
  }

  #leave(depth: number): void {
    if (this.#depth !== depth) {
      throw new Error("sub-transactions of one transaction overlap: each must end before the next begins");
    }
    this.#depth--;
  }

  #rollBackTo(mark: number): void {
    this.#noteChange(null);
    while (this.#undo.length > mark) this.#undo.pop()?.();
  }

  #recordUndo(): RecordUndo {
    if (this.#depth === 0) return null;
    return this.#pushUndo;
  }

  readonly #pushUndo = (undo: () => void): void => {
    this.#undo.push(undo);
  };
}

/** The keys of the cells that start with a prefix, so many of them, in order. */
export async function namesOfCells(reader: StorageReader, start: string, take: number): Promise<string[]> {
  const entries = await reader.scan({ start, end: prefixEnd(start) }, { limit: take });
  return entries.map(([key]) => key);
}
