/**
 * A commit as listeners see it. Which keys a reader could have found changed is worked out on demand: beside
 * the keys written these are the id and all index entries of each document written, since a query over an
 * index depends on the documents it found there.
 */
import type { Commit, Version, Write } from "../storage/storage.js";
import { parseValue } from "../values/index.js";
import type { Catalog, TableEntry } from "./catalog/catalog.js";
import {
  decodeNumber,
  internalIdLength,
  isDocumentKey,
  prefixLength,
  tailLength,
} from "./catalog/key-layout.js";
import type { Document } from "./document.js";
import { entryKey } from "./transaction/table-writes.js";

/** A table that a commit wrote documents of. */
export interface TouchedTable {
  readonly componentPath: string;
  readonly tableName: string;
}

export class DatabaseCommit {
  readonly version: Version;
  readonly writes: readonly Write[];
  readonly #catalog: Catalog;
  #touchedKeys: readonly string[] | undefined;

  constructor(commit: Commit, catalog: Catalog) {
    this.version = commit.version;
    this.writes = commit.writes;
    this.#catalog = catalog;
  }

  /** For `ReadSet.intersects`. O(bytes written) the first time. */
  get touchedKeys(): readonly string[] {
    if (this.#touchedKeys === undefined) {
      const keys: string[] = [];
      for (const [key, value] of this.writes) {
        keys.push(key);
        const table = this.#tableOf(key);
        if (table !== undefined && value !== undefined) keys.push(...entriesOf(table, key, value));
      }
      this.#touchedKeys = keys;
    }
    return this.#touchedKeys;
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

  /** The documents written, as they are now; null for those deleted. O(bytes written). */
  *documents(): Generator<{ table: TableEntry; internalId: string; document: Document | null }> {
    for (const [key, value] of this.writes) {
      const table = this.#tableOf(key);
      if (table === undefined) continue;
      const internalId = key.slice(-internalIdLength);
      const document = value === undefined ? null : (parseValue(value) as Document);
      yield { table, internalId, document };
    }
  }

  #tableOf(key: string): TableEntry | undefined {
    if (!isDocumentKey(key) || key.length !== prefixLength + tailLength) return undefined;
    return this.#catalog.tableById(decodeNumber(key, 1));
  }
}

function entriesOf(table: TableEntry, key: string, text: string): string[] {
  const keys = [table.idsPrefix + key.slice(-internalIdLength)];
  if (table.indexes.length === 0) return keys;
  const document = parseValue(text) as Document;
  const tail = key.slice(-tailLength);
  for (const index of table.indexes) keys.push(entryKey(index, document, tail));
  return keys;
}
