/**
 * Compares what is derived from documents (ids, index entries, counts) with the documents, in both directions. Each batch is one
 * transaction, so that writes meanwhile cause no false report, and a repair mends in the transaction that finds. Documents are
 * the truth: the check names one that cannot be read and leaves it as it is, unless its table can be made anew.
 */
import { isTrueupError } from "../../errors/index.js";
import type { KeyRange, Write } from "../../storage/storage.js";
import { encodeId, keyToHex, prefixEnd } from "../../values/index.js";
import type { IndexEntry, TableEntry } from "../catalog/catalog.js";
import {
  catalogKeys,
  cellsPrefix,
  decodeNumber,
  documentTail,
  entryKey,
  internalIdLength,
  prefixLength,
  spacePrefixes,
} from "../catalog/key-layout.js";
import type { Upkeep } from "../upkeep.js";
import { decodeDocument, type StoredDocument } from "../documents/stored-document.js";
import { tailOf } from "../transaction/base-view.js";
import { formatCounts } from "../catalog/records.js";
import type { TransactionState } from "../transaction/transaction.js";
import { describeEntry, readRows, readValues, type SoundRows } from "./damaged-entries.js";
import type { DataCheck, DataCheckOptions, DataDifference } from "./types.js";

const documentsPerBatch = 300;
/** How often a table is counted that is written to meanwhile. */
const maxCounts = 3;

type Found = Omit<DataDifference, "fixed"> & {
  /** The writes that mend it; left out when nothing can. */
  readonly mend?: readonly Write[];
};

interface Totals {
  documents: number;
  sizeBytes: number;
}

/** Goes through all tables of all components. O(documents × indexes). */
export async function checkData(database: Upkeep, options: DataCheckOptions): Promise<DataCheck> {
  return await new Checker(database, options).run();
}

class Checker {
  readonly #database: Upkeep;
  readonly #options: DataCheckOptions;
  readonly #differences: DataDifference[] = [];
  readonly #unchecked: string[] = [];
  readonly #written = new Set<string>();
  readonly #known = new Set<string>();
  #checked = 0;
  #documents = 0;

  constructor(database: Upkeep, options: DataCheckOptions) {
    this.#database = database;
    this.#options = options;
  }

  async run(): Promise<DataCheck> {
    const stopListening = this.#database.onCommit(({ tables }) => {
      for (const { componentPath, tableName } of tables) this.#written.add(nameOf(componentPath, tableName));
    });
    try {
      const catalog = await this.#database.inspect(async (state) => state.catalog);
      const components = [...catalog.components.values()];
      const tables = [...catalog.tables()];
      for (const table of tables) {
        await this.#checkDocuments(table);
        await this.#checkIds(table);
        for (const index of table.indexes) if (index.state === "ready") await this.#checkIndex(table, index);
      }
      for (const { number } of components) await this.#checkCells(cellsPrefix(number));
      await this.#step(findStrays);
      return {
        tables: tables.length,
        documents: this.#documents,
        checked: this.#checked,
        differences: this.#differences,
        unchecked: this.#unchecked,
      };
    } finally {
      stopListening();
    }
  }

  /** Checks documents, counts them, and compares that with the table's counts unless writes never pause. */
  async #checkDocuments(table: TableEntry): Promise<void> {
    const name = nameOf(table.componentPath, table.name);
    for (let attempt = 1; attempt <= maxCounts; attempt++) {
      this.#written.delete(name);
      const totals: Totals = { documents: 0, sizeBytes: 0 };
      await this.#rows(rangeOf(table.documentsPrefix), async (state, read) => {
        return await checkDocumentRows(
          state,
          table,
          read,
          this.#remedy(table),
          totals,
          attempt > 1,
          (problem) => this.#note(problem),
        );
      });
      const isUnreadable = this.#differences.some(
        (each) =>
          each.kind === "damagedDocument" &&
          each.componentPath === table.componentPath &&
          each.table === table.name &&
          !each.fixed,
      );
      if (this.#written.has(name) && attempt < maxCounts) continue;
      this.#documents += totals.documents;
      if (isUnreadable) {
        this.#note(`The counts of table "${table.name}" were not checked: some documents cannot be read.`);
      } else if (this.#written.has(name)) {
        this.#note(`The counts of table "${table.name}" were not checked: it was written to all the time.`);
      } else await this.#step(async (state) => await checkCounts(state, table, totals));
      return;
    }
  }

  async #checkIds(table: TableEntry): Promise<void> {
    await this.#rows(rangeOf(table.idsPrefix), async ({ stored }, { rows, damaged }) => {
      const keys = rows.map(([key, time]) => table.documentsPrefix + documentTail(Number(time), idIn(key)));
      const texts = await readValues(stored, keys);
      const misplaced = new Set(
        this.#differences.flatMap(({ kind, documentId }) => (kind === "wrongId" ? [documentId] : [])),
      );
      const lost = rows.filter(
        ([key], index) => texts[index] === undefined && !misplaced.has(encodeId(table.number, idIn(key))),
      );
      return [
        ...lost.map(([key]) => unreadable("lostDocument", table, key, this.#remedy(table))),
        // Where the document is there, its own check has found the id missing and mended it.
        ...damaged.map((key): Found => ({
          kind: "damagedEntry",
          ...named(table, key),
          mend: [[key, undefined]],
        })),
      ];
    });
  }

  async #checkIndex(table: TableEntry, index: IndexEntry): Promise<void> {
    await this.#rows(rangeOf(index.prefix), async (state, { rows, damaged }) => {
      const { stored } = state;
      const where = (key: string): Omit<Found, "kind"> => ({ ...named(table, key), index: index.name });
      const found = damaged.map((key): Found => ({
        kind: "damagedEntry",
        ...where(key),
        mend: [[key, undefined]],
      }));
      const texts = await readValues(
        stored,
        rows.map(([key]) => table.documentsPrefix + tailOf(key)),
      );
      const ids = await readValues(
        stored,
        rows.map(([key]) => table.idsPrefix + idIn(key)),
      );
      for (const [position, [key]] of rows.entries()) {
        const text = texts[position];
        // The document is damaged or lost, which has been reported already.
        if (text === null || (text === undefined && ids[position] !== undefined)) continue;
        const expected = text === undefined ? null : entryOf(state, table, index, key, text);
        if (expected !== undefined && expected !== key) {
          found.push({ kind: "wrongIndexEntry", ...where(key), mend: [[key, undefined]] });
        }
      }
      return found;
    });
  }

  async #checkCells(prefix: string): Promise<void> {
    await this.#rows(rangeOf(prefix), async ({ catalog }, { damaged }) =>
      damaged.map((key): Found => {
        const { componentPath = "", what } = describeEntry(catalog, key);
        return {
          kind: "damagedEntry",
          componentPath,
          key: keyToHex(key),
          message: what,
          mend: [[key, undefined]],
        };
      }),
    );
  }

  /** Reads a range batch by batch, each checked in a transaction of its own. */
  async #rows(
    range: KeyRange,
    check: (state: TransactionState, read: SoundRows) => Promise<readonly Found[]>,
  ): Promise<void> {
    for (let start: string | null = range.start; start !== null;) {
      const from: string = start;
      let read: SoundRows = { rows: [], damaged: [], next: null };
      try {
        await this.#step(async (state) => {
          read = await readRows(state.stored, { start: from, end: range.end }, documentsPerBatch);
          return await check(state, read);
        });
      } catch (error) {
        if (!isTrueupError(error) || error.code !== "STORAGE_CORRUPT") throw error;
        this.#note(`What lies behind a page that cannot be read was not checked: ${error.message}`);
        return;
      }
      this.#checked += read.rows.length + read.damaged.length;
      this.#options.onProgress?.(this.#checked);
      start = read.next;
    }
  }

  /** One transaction that finds and, in a repair, mends. */
  async #step(find: (state: TransactionState) => Promise<readonly Found[]>): Promise<void> {
    const mends = this.#options.repair === true;
    const run = async (state: TransactionState): Promise<readonly Found[]> => {
      const found = await find(state);
      for (const { mend } of mends ? found : []) for (const write of mend ?? []) state.writeRecord(...write);
      return found;
    };
    const found = mends ? await this.#database.mend(run) : await this.#database.inspect(run);
    for (const { mend, ...difference } of found) {
      // A damaged entry is found twice: through its document and in its own place.
      const identity = JSON.stringify(difference);
      if (this.#known.has(identity)) continue;
      this.#known.add(identity);
      this.#differences.push({ ...difference, fixed: mends && mend !== undefined });
    }
  }

  /** The message that says how the documents of a table are made anew; undefined where they are the truth. */
  #remedy({ componentPath, name }: TableEntry): string | undefined {
    return componentPath === "" ? this.#options.derivedTables?.get(name) : undefined;
  }

  #note(problem: string): void {
    if (!this.#unchecked.includes(problem)) this.#unchecked.push(problem);
  }
}

/** Counts documents and checks the id and the index entries of each; `onlyCount` when that has been done before. */
async function checkDocumentRows(
  state: TransactionState,
  table: TableEntry,
  { rows, damaged }: SoundRows,
  remedy: string | undefined,
  totals: Totals,
  onlyCount: boolean,
  note: (problem: string) => void,
): Promise<readonly Found[]> {
  const found = damaged.map((key) => unreadable("damagedDocument", table, key, remedy));
  const expected: (readonly [key: string, value: string, difference: Omit<Found, "mend">])[] = [];
  for (const [key, text] of rows) {
    const stored = decoded(table, key, text);
    if (stored === null) {
      const message = "its text is no document of this key";
      found.push({ message, ...unreadable("damagedDocument", table, key, remedy) });
      continue;
    }
    totals.documents += 1;
    totals.sizeBytes += stored.sizeBytes;
    if (onlyCount) continue;
    const name = named(table, key);
    const time = String(stored.document._creationTime);
    expected.push([table.idsPrefix + idIn(key), time, { kind: "missingId", ...name }]);
    for (const index of table.indexes) {
      if (index.state !== "ready") continue;
      const entry = entryOf(state, table, index, key, text);
      if (entry === undefined) {
        note(
          `Index ${table.name}.${index.name} was not checked for documents whose transforms fail or are not loaded.`,
        );
      } else expected.push([entry, "", { kind: "missingIndexEntry", ...name, index: index.name }]);
    }
  }
  const values = await readValues(
    state.stored,
    expected.map(([key]) => key),
  );
  for (const [position, [key, value, difference]] of expected.entries()) {
    const actual = values[position];
    if (actual === value) continue;
    const isThere = actual !== undefined && difference.kind === "missingId";
    const kind = actual === null ? "damagedEntry" : isThere ? "wrongId" : difference.kind;
    found.push({ ...difference, kind, mend: [[key, value]] });
  }
  return found;
}

/** A document that cannot be read. Where its table can be made anew, a repair removes what is left of it. */
function unreadable(
  kind: "damagedDocument" | "lostDocument",
  table: TableEntry,
  key: string,
  remedy: string | undefined,
): Found {
  const found = { kind, ...named(table, key) };
  if (remedy === undefined) return found;
  const mend: Write[] = [key, table.idsPrefix + idIn(key)].map((each) => [each, undefined]);
  return { ...found, message: remedy, mend };
}

/** Null when the text is not a document, or not the one of the key. */
function decoded(table: TableEntry, key: string, text: string): StoredDocument | null {
  try {
    const stored = decodeDocument(text);
    const { _id, _creationTime } = stored.document;
    const isItsOwn =
      _id === encodeId(table.number, idIn(key)) && documentTail(_creationTime, idIn(key)) === tailOf(key);
    return isItsOwn && stored.shape >= table.settledShape ? stored : null;
  } catch {
    return null;
  }
}

/** The key of a document's entry in an index; undefined when that cannot be told. */
function entryOf(
  { base }: TransactionState,
  table: TableEntry,
  index: IndexEntry,
  key: string,
  text: string,
): string | undefined {
  try {
    const { document } = base.shapes.at(table, decodeDocument(text), index.shape);
    return entryKey(index, document, tailOf(key));
  } catch {
    return undefined;
  }
}

async function checkCounts(
  { stored }: TransactionState,
  table: TableEntry,
  totals: Totals,
): Promise<Found[]> {
  const [text] = await readValues(stored, [table.countsKey]);
  const right = formatCounts(totals);
  if (text === right || (text === undefined && totals.documents === 0)) return [];
  const { componentPath, name } = table;
  const message = `it has ${right.replace(",", " documents of ")} bytes, counted as ${text ?? "nothing"}`;
  return [{ kind: "wrongCounts", componentPath, table: name, message, mend: [[table.countsKey, right]] }];
}

/** Finds entries of tables and indexes that do not exist and are not being cleared. O(tables + indexes). */
async function findStrays({ stored, catalog }: TransactionState): Promise<Found[]> {
  const indexes = new Set([...catalog.indexes()].map(({ index }) => index.prefix));
  const found: Found[] = [];
  for (const space of spacePrefixes) {
    for (let start: string | undefined = space; start !== undefined && start.startsWith(space);) {
      const { rows, damaged } = await readRows(stored, { start, end: prefixEnd(space) }, 1);
      const key: string | undefined = rows[0]?.[0] ?? damaged[0];
      if (key === undefined) break;
      const prefix = key.slice(0, prefixLength);
      const isKnown = indexes.has(prefix) || catalog.tableById(decodeNumber(key, 1)) !== undefined;
      const [mark] = isKnown ? [] : await readValues(stored, [catalogKeys.cleared(prefix)]);
      if (!isKnown && mark === undefined) {
        const message = describeEntry(catalog, key).what;
        found.push({ kind: "strayEntry", componentPath: "", key: keyToHex(key), message });
      }
      start = prefixEnd(prefix);
    }
  }
  return found;
}

function named(table: TableEntry, key: string): Omit<Found, "kind"> {
  const documentId = encodeId(table.number, idIn(key));
  return { componentPath: table.componentPath, table: table.name, documentId };
}

function idIn(key: string): string {
  return key.slice(-internalIdLength);
}

function rangeOf(prefix: string): KeyRange {
  return { start: prefix, end: prefixEnd(prefix) };
}

function nameOf(componentPath: string, tableName: string): string {
  return `${componentPath}/${tableName}`;
}
