/**
 * Reads that go on past damaged entries and name them, so that a check sees what lies behind them; and what an entry is to the
 * database, in names that people know.
 */
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { encodeId, keyFromHex } from "../../values/index.js";
import type { Entry, KeyRange, StorageReader } from "../../storage/storage.js";
import type { Catalog, TableEntry } from "../catalog/catalog.js";
import { decodeNumber, internalIdLength, prefixLength, spaceOf } from "../catalog/key-layout.js";

export interface SoundRows {
  readonly rows: readonly Entry[];
  /** Keys of entries in the range that do not fit their checksum. */
  readonly damaged: readonly string[];
  /** Where to go on; null at the end. */
  readonly next: string | null;
}

/**
 * The next rows of a range, up to `limit` of them, and what is damaged among them. O(limit + damaged × log n).
 * @throws STORAGE_CORRUPT where a page cannot be read
 */
export async function readRows(reader: StorageReader, range: KeyRange, limit: number): Promise<SoundRows> {
  const rows: Entry[] = [];
  const damaged: string[] = [];
  let start = range.start;
  for (let left = limit; left > 0; left = limit - rows.length - damaged.length) {
    try {
      const found = await reader.scan({ start, end: range.end }, { limit: left });
      rows.push(...found);
      const last = found.at(-1);
      return { rows, damaged, next: last === undefined || found.length < left ? null : `${last[0]}\0` };
    } catch (error) {
      const key = damagedKey(error);
      // The rows before the first damaged one are sound.
      if (key === null || key < start) throw error;
      rows.push(...(await reader.scan({ start, end: key }, { limit: left })));
      damaged.push(key);
      start = `${key}\0`;
    }
  }
  return { rows, damaged, next: start };
}

/** The values of these keys: undefined where there is none, null where it is damaged. */
export async function readValues(
  reader: StorageReader,
  keys: readonly string[],
): Promise<(string | undefined | null)[]> {
  try {
    return await reader.getMany(keys);
  } catch (error) {
    if (damagedKey(error) === null) throw error;
  }
  const values: (string | undefined | null)[] = [];
  for (const key of keys) {
    try {
      values.push(await reader.get(key));
    } catch (error) {
      if (damagedKey(error) === null) throw error;
      values.push(null);
    }
  }
  return values;
}

function damagedKey(error: unknown): string | null {
  if (!isTrueupError(error) || error.code !== "STORAGE_CORRUPT") return null;
  const { key } = error.details;
  return typeof key === "string" ? keyFromHex(key) : null;
}

/** Where an entry belongs, as far as it can be told. */
export interface EntryName {
  readonly componentPath?: string;
  readonly table?: string;
  readonly index?: string;
  readonly documentId?: string;
}

/** Names an entry; `what` goes into a sentence: "the document …". */
export function describeEntry(catalog: Catalog, key: string): EntryName & { readonly what: string } {
  const space = spaceOf(key);
  const number = key.length < prefixLength ? 0 : decodeNumber(key, 1);
  if (space === "index entries") {
    const found = [...catalog.indexes()].find(({ index }) => index.id === number);
    if (found === undefined) return { what: "an entry of an index that is not there" };
    const name = { ...nameIn(found.table, key), index: found.index.name };
    return { ...name, what: `the entry of document ${name.documentId} in index ${name.index}` };
  }
  if (space === "cells") {
    const path = [...catalog.components.values()].find((each) => each.number === number)?.path;
    return path === undefined
      ? { what: "a cell" }
      : { componentPath: path, what: `a cell of component "${path}"` };
  }
  const table = catalog.tableById(number);
  if (space === null || space === "catalog") return { what: "a record of the catalog" };
  if (table === undefined) return { what: "an entry of a table that is not there" };
  const name = nameIn(table, key);
  if (space === "counts") {
    return { componentPath: name.componentPath, table: name.table, what: "the counts" };
  }
  return { ...name, what: `${space === "ids" ? "the id of " : ""}document ${name.documentId}` };
}

/** Adds to an error of the storage about a key what the key is to the database; returns other errors as they are. */
export function nameDamage(catalog: Catalog, error: unknown): unknown {
  if (!isTrueupError(error) || error.code !== "STORAGE_CORRUPT") return error;
  const { key, what } = error.details;
  if (typeof key !== "string" || what !== undefined) return error;
  const name = describeEntry(catalog, keyFromHex(key));
  const where = name.table === undefined ? "" : ` of table "${name.table}"`;
  const message = `Damaged: ${name.what}${where} does not fit its checksum.`;
  return new TrueupError("STORAGE_CORRUPT", message, { ...error.details, ...name }, error);
}

function nameIn(table: TableEntry, key: string): Required<Omit<EntryName, "index">> {
  return {
    componentPath: table.componentPath,
    table: table.name,
    documentId: encodeId(table.number, key.slice(-internalIdLength)),
  };
}
