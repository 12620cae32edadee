/** A commit as listeners see it: which keys a reader could find changed, and which tables and documents it wrote. */
import { changesEverything, type Commit, type Version } from "../storage/storage.js";
import { encodeId } from "../values/index.js";
import type { Catalog, TableEntry } from "./catalog/catalog.js";
import {
  decodeNumber,
  internalIdLength,
  isDocumentKey,
  prefixLength,
  tailLength,
} from "./catalog/key-layout.js";

/** A table that a commit wrote documents of. */
export interface TouchedTable {
  readonly componentPath: string;
  readonly tableName: string;
}

export class DatabaseCommit {
  readonly version: Version;
  readonly #commit: Commit;
  readonly #catalog: Catalog;
  #touchedKeys: readonly string[] | undefined;

  /** @param catalog As of the commit, or newer. */
  constructor(commit: Commit, catalog: Catalog) {
    this.version = commit.version;
    this.#commit = commit;
    this.#catalog = catalog;
  }

  /** The name of the program that runs as of it, or of a later one; null before the first was put in place. */
  get program(): string | null {
    return this.#catalog.head.program ?? null;
  }

  /** For `ReadSet.intersects`. O(writes) the first time. */
  get touchedKeys(): readonly string[] {
    if (this.#touchedKeys === undefined) {
      const { writes, adds } = this.#commit;
      const { keys, isQuiet } = this.#commit.touched();
      this.#touchedKeys = isQuiet ? keys : [...writes, ...adds].map(([key]) => key).concat(keys);
    }
    return this.#touchedKeys;
  }

  /** For `ReadSet.intersects`: everything below these keys has changed. */
  get touchedPrefixes(): readonly string[] {
    return this.#commit.touched().prefixes;
  }

  /** The tables whose documents it wrote, each once: all, where everything has changed. O(writes). */
  get tables(): readonly TouchedTable[] {
    if (changesEverything(this.#commit)) {
      return [...this.#catalog.tables()].map(({ componentPath, name }) => ({
        componentPath,
        tableName: name,
      }));
    }
    const tables = new Map<number, TouchedTable>();
    for (const { table } of this.documents()) {
      if (tables.has(table.id)) continue;
      tables.set(table.id, { componentPath: table.componentPath, tableName: table.name });
    }
    return [...tables.values()];
  }

  /** The ids of the documents that it wrote or deleted in tables of this name, with their components. O(writes). */
  *idsIn(tableName: string): Generator<{ componentPath: string; id: string }> {
    for (const { table, internalId } of this.documents()) {
      if (table.name !== tableName) continue;
      yield { componentPath: table.componentPath, id: encodeId(table.number, internalId) };
    }
  }

  /** The documents written or deleted; none for the write-through, which changes nothing that anybody sees. O(writes). */
  *documents(): Generator<{ table: TableEntry; internalId: string }> {
    if (this.#commit.touched().isQuiet) return;
    for (const [key] of this.#commit.writes) {
      if (!isDocumentKey(key) || key.length !== prefixLength + tailLength) continue;
      const table = this.#catalog.tableById(decodeNumber(key, 1));
      if (table !== undefined) yield { table, internalId: key.slice(-internalIdLength) };
    }
  }
}
