/** Says what an entry of the storage is to the database, from its key, in names that people know. */
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { encodeId, keyFromHex } from "../../values/index.js";
import type { Catalog, TableEntry } from "../catalog/catalog.js";
import { decodeNumber, internalIdLength, prefixLength, spaceOf } from "../catalog/key-layout.js";

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
