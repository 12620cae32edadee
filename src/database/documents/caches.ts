/** What is known of the storage across transactions: documents as they are stored, cells, and records that all read. */
import type { Commit, Version } from "../../storage/storage.js";
import { idsKeyOfDocument, isCellKey, isDocumentKey, isEntryKey, isIdKey } from "../catalog/key-layout.js";
import { addToCounts } from "../catalog/records.js";
import type { StoredDocument } from "./stored-document.js";
import { VersionedCache } from "./versioned-cache.js";

/**
 * A cell as transactions and the cache hold it; null says that there is no such cell.
 *
 * Cells are what a component keeps beside its tables: structures that the engine makes, such as the nodes of an aggregate.
 * A cell has a name and a value that its codec turns into text. Values stay decoded, in the transaction and across
 * transactions, and are encoded once, at commit; so they must never be changed in place. Cells are not documents: they count
 * towards no limit of Convex's, have no schema, and no hook hears of them.
 */
export type Cell = { readonly value: unknown } | null;

export class Caches {
  /** By the keys of their ids. A null says that there is no such document. */
  readonly documents: VersionedCache<StoredDocument | null>;
  /** Counts and the catalog's head: records that are few and are read all the time. */
  readonly records: VersionedCache<string> = new VersionedCache(Infinity);
  readonly cells: VersionedCache<Cell>;

  /** @param bytes About how much memory documents may take, and as much again cells. */
  constructor(bytes: number) {
    this.documents = new VersionedCache(bytes);
    this.cells = new VersionedCache(bytes);
  }

  /**
   * Learns from a commit on a storage that is not this process's alone. What this process wrote is here already, except for the
   * sums of what is added: nobody knows them before.
   */
  hear({ version, isOwn, writes, adds }: Commit): void {
    if (!isOwn) for (const [key, value] of writes) this.#replace(key, value, version);
    for (const [key, by] of adds) this.records.change(key, (text) => addToCounts(text, by), version);
  }

  #replace(key: string, text: string | undefined | null, version: Version): void {
    if (isEntryKey(key)) return;
    if (isDocumentKey(key)) {
      // Where the document is gone its id is, and where it has moved another key has it.
      if (text === undefined) return;
      this.documents.replace(idsKeyOfDocument(key), text === null ? null : { text }, version);
    } else if (isIdKey(key)) {
      if (text === undefined) this.documents.replace(key, { value: null }, version);
    } else if (isCellKey(key)) {
      this.cells.replace(
        key,
        text === undefined ? { value: null } : text === null ? null : { text },
        version,
      );
    } else {
      this.records.replace(key, typeof text === "string" ? { value: text } : null, version);
    }
  }

  /** What was loaded by views that began before this number was given may rest on what has failed. */
  distrust(before: number): void {
    for (const cache of [this.documents, this.records, this.cells]) cache.distrust(before);
  }

  /** Drops everything. @param version Readers of older versions may add nothing from now on. */
  clear(version: Version): void {
    for (const cache of [this.documents, this.records, this.cells]) cache.clear(version);
  }
}
