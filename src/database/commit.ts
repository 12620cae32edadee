/**
 * A commit as listeners see it. It works out on demand which keys a reader could find changed: the keys that were written, and
 * the id and all index entries of each document that was written, because a query over an index depends on the documents that
 * it found there. A commit of the write-through changes no document that anybody sees. One that begins a transform or renames a
 * table changes all of a table.
 */
import type { Commit, Version } from "../storage/storage.js";
import type { Catalog, TableEntry } from "./catalog/catalog.js";
import { parseTableRecord } from "./catalog/records.js";
import {
  catalogKeys,
  decodeNumber,
  documentsPrefix,
  entryKey,
  idsPrefix,
  internalIdLength,
  isDocumentKey,
  isEntryKey,
  prefixLength,
  tailLength,
} from "./catalog/key-layout.js";
import { decodeDocument } from "./documents/stored-document.js";
import type { Shapes } from "./transforms/shapes.js";

/** A table that a commit wrote documents of. */
export interface TouchedTable {
  readonly componentPath: string;
  readonly tableName: string;
}

export class DatabaseCommit {
  readonly version: Version;
  readonly writes: Commit["writes"];
  readonly #catalog: Catalog;
  readonly #shapes: Shapes;
  readonly #isWriteThrough: boolean;
  /** Tables in another shape by now, with documents in the commit that cannot be carried over to it. */
  readonly #unclear = new Set<TableEntry>();
  #touchedKeys: readonly string[] | undefined;
  #touchedPrefixes: readonly string[] | undefined;

  constructor(commit: Commit, catalog: Catalog, shapes: Shapes) {
    this.version = commit.version;
    this.writes = commit.writes;
    this.#catalog = catalog;
    this.#shapes = shapes;
    this.#isWriteThrough = commit.writes.some(isWriteThroughRecord);
  }

  /** For `ReadSet.intersects`. O(bytes written) the first time. */
  get touchedKeys(): readonly string[] {
    if (this.#touchedKeys === undefined) {
      const keys: string[] = [];
      // A write-through changes index entries only where a transform turned out to be impure.
      const changes = this.#isWriteThrough ? this.writes.filter(([key]) => isEntryKey(key)) : this.writes;
      for (const [key, value] of changes) {
        keys.push(key);
        const table = this.#tableOf(key);
        if (table !== undefined && typeof value === "string") {
          keys.push(...this.#entriesOf(table, key, value));
        }
      }
      this.#touchedKeys = keys;
    }
    return this.#touchedKeys;
  }

  /** For `ReadSet.intersects`: everything below these keys has changed. O(writes) the first time. */
  get touchedPrefixes(): readonly string[] {
    if (this.#touchedPrefixes === undefined) {
      const prefixes = prefixesTouched(this.writes);
      if (this.touchedKeys.length > 0) {
        for (const { indexes } of this.#unclear) prefixes.push(...indexes.map(({ prefix }) => prefix));
      }
      this.#touchedPrefixes = prefixes;
    }
    return this.#touchedPrefixes;
  }

  /** The tables whose documents it wrote, each once. O(writes). */
  get tables(): readonly TouchedTable[] {
    const tables = new Map<number, TouchedTable>();
    for (const [key] of this.writes) {
      const table = this.#tableOf(key);
      if (table === undefined || tables.has(table.id)) continue;
      tables.set(table.id, { componentPath: table.componentPath, tableName: table.name });
    }
    return [...tables.values()];
  }

  /** The documents written or deleted. O(writes). */
  *documents(): Generator<{ table: TableEntry; internalId: string }> {
    for (const [key] of this.writes) {
      const table = this.#tableOf(key);
      if (table !== undefined) yield { table, internalId: key.slice(-internalIdLength) };
    }
  }

  #tableOf(key: string): TableEntry | undefined {
    if (this.#isWriteThrough) return undefined;
    if (!isDocumentKey(key) || key.length !== prefixLength + tailLength) return undefined;
    return this.#catalog.tableById(decodeNumber(key, 1));
  }

  #entriesOf(table: TableEntry, key: string, text: string): string[] {
    const keys = [table.idsPrefix + key.slice(-internalIdLength)];
    // Those of other shapes are only prepared, so nobody reads them.
    const indexes = table.indexes.filter(({ shape }) => shape === table.shape);
    if (indexes.length === 0) return keys;
    try {
      const { document } = this.#shapes.at(table, decodeDocument(text), table.shape);
      const tail = key.slice(-tailLength);
      for (const index of indexes) keys.push(entryKey(index, document, tail));
    } catch {
      this.#unclear.add(table);
    }
    return keys;
  }
}

/** Only batches of the write-through set the record of its progress. */
function isWriteThroughRecord([key, value]: Commit["writes"][number]): boolean {
  return typeof value === "string" && key.startsWith(catalogKeys.writeThroughs);
}

/** The ranges of tables that have another shape or name now, and of what was dropped. */
function prefixesTouched(writes: Commit["writes"]): string[] {
  const prefixes: string[] = [];
  const tables = writes.filter(([key]) => key.startsWith(catalogKeys.tables));
  const isRename = tables.some(([, text]) => text === undefined);
  for (const [, text] of tables) {
    if (typeof text !== "string") continue;
    const { id, shape, settledShape } = parseTableRecord(text);
    if (isRename || shape !== settledShape) prefixes.push(documentsPrefix(id), idsPrefix(id));
  }
  for (const [key, text] of writes) {
    if (typeof text === "string" && key.startsWith(catalogKeys.toClear)) {
      prefixes.push(key.slice(catalogKeys.toClear.length));
    }
  }
  return prefixes;
}
