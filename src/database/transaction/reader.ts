/** One component's tables as a transaction reads them. */
import { shown, TrueupError } from "../../errors/index.js";
import { findTable } from "../../schema/index.js";
import type { Entry, MaybePromise } from "../../storage/storage.js";
import { type DecodedId, decodeId, prefixEnd } from "../../values/index.js";
import { type Catalog, isSystemTable, type TableEntry } from "../catalog/catalog.js";
import { catalogKeys, cellsPrefix } from "../catalog/key-layout.js";
import type { CellCodec, CellReader } from "../../seams/index.js";
import type { Cell } from "../documents/caches.js";
import type { Document } from "../documents/document.js";
import { copyDocument, type StoredDocument } from "../documents/stored-document.js";
import { EmptyStream, QueryStream } from "../query/document-stream.js";
import { emptyPage, paginate } from "../query/paginate.js";
import { fieldsWithoutTable, planScan, tableOfSource } from "../query/plan-query.js";
import type { DocumentStream, Page, PageOptions, Query } from "../query/query.js";
import type { ScanState } from "../query/scan.js";
import type { TableCounts } from "../catalog/records.js";
import { namesOfCells, type TransactionState } from "./transaction.js";
import type { DatabaseReader, TablePart } from "./types.js";

/** A document's place, from its id. */
export interface Place {
  readonly table: TableEntry;
  readonly internalId: string;
}

/** What a reader sees: all that the transaction sees, or what was there when it began. */
interface View extends ScanState {
  readonly catalog: Catalog;
  document(table: TableEntry, internalId: string): MaybePromise<StoredDocument | null>;
  cell(key: string, codec: CellCodec<unknown>): MaybePromise<Cell>;
  cellNames(start: string, take: number): Promise<string[]>;
  counts(table: TableEntry): MaybePromise<TableCounts>;
}

export class Reader implements DatabaseReader {
  protected readonly state: TransactionState;
  protected readonly path: string;
  protected readonly isSystem: boolean;
  readonly #view: View;
  /** The id that was decoded last, because a document that was read is often written next. */
  #latest: { readonly id: string; readonly decoded: DecodedId | null } | null = null;

  constructor(state: TransactionState, path: string, isSystem: boolean, view: View = state) {
    this.state = state;
    this.path = path;
    this.isSystem = isSystem;
    this.#view = view;
  }

  async get(id: string, tableName?: string): Promise<Document | null> {
    const found = this.find(id, tableName);
    return found instanceof Promise ? await found : found;
  }

  find(id: string, tableName?: string): MaybePromise<Document | null> {
    this.state.assertActive();
    const place = this.place(id, tableName, "get");
    this.state.usage.countQuery();
    if (place === null) {
      this.#view.readSet?.addKey(catalogKeys.head);
      return null;
    }
    const { table, internalId } = place;
    this.#view.readSet?.addKey(table.idsPrefix + internalId);
    const found = this.#view.document(table, internalId);
    return found instanceof Promise ? found.then((stored) => this.#read(stored)) : this.#read(found);
  }

  #read(stored: StoredDocument | null): Document | null {
    if (stored === null) return null;
    this.state.usage.countRead(stored.sizeBytes);
    return copyDocument(stored);
  }

  normalizeId(tableName: string, id: string): string | null {
    this.assertReachable(tableName);
    const decoded = this.#decode(id);
    if (decoded === null) return null;
    const table = this.catalog.table(this.path, tableName);
    if (table === undefined) this.#view.readSet?.addKey(catalogKeys.head);
    return table?.number === decoded.tableNumber ? id : null;
  }

  tableOfId(id: string): string | null {
    const decoded = this.#decode(id);
    if (decoded === null) return null;
    return this.catalog.tableByNumber(this.path, decoded.tableNumber)?.name ?? null;
  }

  stream(query: Query): DocumentStream {
    this.state.assertActive();
    const table = this.tableToRead(tableOfSource(query.source));
    this.state.usage.countQuery();
    if (table === null) {
      fieldsWithoutTable(query.source);
      return new EmptyStream();
    }
    return new QueryStream(this.#view, planScan(query.source, table), query.operators);
  }

  async page(query: Query, options: PageOptions): Promise<Page> {
    this.state.assertActive();
    const tableName = tableOfSource(query.source);
    const table = this.tableToRead(tableName);
    this.state.usage.countQuery();
    if (table === null) {
      const fields = fieldsWithoutTable(query.source);
      return emptyPage(query, { componentPath: this.path, tableName, fields }, options);
    }
    return await paginate(this.#view, planScan(query.source, table), query, options);
  }

  pass(tableName: string, behind: string | null, limit: number): MaybePromise<TablePart> {
    this.state.assertActive();
    const table = this.tableToRead(tableName);
    if (table === null) return { documents: [], places: [] };
    const { base } = this.#view;
    const { documentsPrefix } = table;
    const start = behind === null ? documentsPrefix : `${documentsPrefix}${behind}\x00`;
    const found = base.storage.scan({ start, end: prefixEnd(documentsPrefix) }, { limit });
    const partOf = (entries: readonly Entry[]): TablePart => ({
      documents: entries.map(([, text]) => base.decodeOnce(table, text)),
      places: entries.map(([key]) => key.slice(documentsPrefix.length)),
    });
    return found instanceof Promise ? found.then(partOf) : partOf(found);
  }

  async count(tableName: string): Promise<number> {
    return (await this.#counts(tableName)).documents;
  }

  size(tableName: string): MaybePromise<number> {
    const counts = this.#counts(tableName);
    return counts instanceof Promise ? counts.then(({ documents }) => documents) : counts.documents;
  }

  async counts(tableName: string): Promise<TableCounts> {
    return await this.#counts(tableName);
  }

  #counts(tableName: string): MaybePromise<TableCounts> {
    this.state.assertActive();
    const table = this.tableToRead(tableName);
    if (table === null) return { documents: 0, sizeBytes: 0 };
    return this.#view.counts(table);
  }

  cells<T>(codec: CellCodec<T>): CellReader<T> {
    return {
      get: (name) => this.cell(name, codec),
      names: (prefix, take) => this.cellNames(prefix, take),
    };
  }

  tables(): string[] {
    this.#view.readSet?.addKey(catalogKeys.head);
    const names = [...(this.catalog.components.get(this.path)?.tables.keys() ?? [])];
    return names.filter((name) => this.isSystem || !isSystemTable(name)).sort();
  }

  protected get catalog(): Catalog {
    return this.#view.catalog;
  }

  /** The codec says of what type a cell is; every cell of a name goes through the same codec. */
  protected cell<T>(name: string, codec: CellCodec<T>): MaybePromise<T | undefined> {
    this.state.assertActive();
    const key = this.cellKey(name);
    if (key === undefined) return undefined;
    this.#view.readSet?.addKey(key);
    const found = this.#view.cell(key, codec);
    return found instanceof Promise ? found.then(valueOf<T>) : valueOf<T>(found);
  }

  protected async cellNames(prefix: string, take: number): Promise<string[]> {
    this.state.assertActive();
    const start = this.cellKey(prefix);
    if (start === undefined) return [];
    const names = await this.#view.cellNames(start, take);
    return names.map((key) => key.slice(start.length - prefix.length));
  }

  /** Undefined while the component has no data. */
  protected cellKey(name: string): string | undefined {
    const component = this.catalog.components.get(this.path);
    if (component !== undefined) return cellsPrefix(component.number) + name;
    this.#view.readSet?.addKey(catalogKeys.head);
    return undefined;
  }

  /**
   * Where the document of an id lies; null when the id's table is none of the component's.
   * @throws INVALID_ID, WRONG_TABLE, SYSTEM_TABLE
   */
  protected place(id: string, tableName: string | undefined, method: string): Place | null {
    const decoded = this.#decode(id);
    if (decoded === null) {
      throw new TrueupError(
        "INVALID_ID",
        `Invalid argument \`id\` for \`${this.#nameOf(method)}\`: Unable to decode ID ${JSON.stringify(shown(id))}: it is not an id that the database made.`,
        { method, id: shown(id) },
      );
    }
    const table = this.catalog.tableByNumber(this.path, decoded.tableNumber);
    if (table === undefined) return null;
    this.assertReachable(table.name);
    if (tableName !== undefined && table.name !== tableName) {
      throw wrongTable(id, tableName, table.name, this.#nameOf(method));
    }
    return { table, internalId: decoded.internalId };
  }

  #nameOf(method: string): string {
    return this.isSystem ? `db.system.${method}` : `db.${method}`;
  }

  /** Ids come from users, so anything may be passed as one. */
  #decode(id: unknown): DecodedId | null {
    if (typeof id !== "string") return null;
    if (this.#latest?.id !== id) this.#latest = { id, decoded: decodeId(id) };
    return this.#latest.decoded;
  }

  /** The table, or null when it does not exist yet and may come. */
  protected tableToRead(tableName: string): TableEntry | null {
    this.assertReachable(tableName);
    const table = this.catalog.table(this.path, tableName);
    if (table !== undefined) return table;
    this.#view.readSet?.addKey(catalogKeys.head);
    this.assertInSchema(tableName);
    return null;
  }

  /** @throws TABLE_NOT_IN_SCHEMA when the component's schema is enforced and does not name the table */
  protected assertInSchema(tableName: string): void {
    const schema = this.catalog.components.get(this.path)?.schema;
    if (schema === null || schema === undefined || !schema.schemaValidation) return;
    if (isSystemTable(tableName) || findTable(schema, tableName) !== undefined) return;
    throw new TrueupError("TABLE_NOT_IN_SCHEMA", `There is no table "${shown(tableName)}" in the schema.`, {
      table: shown(tableName),
      componentPath: this.path,
    });
  }

  /** @throws SYSTEM_TABLE */
  protected assertReachable(tableName: string): void {
    if (this.isSystem || !isSystemTable(tableName)) return;
    throw new TrueupError("SYSTEM_TABLE", "System tables can only be accessed with db.system.", {
      table: tableName,
    });
  }
}

function wrongTable(id: string, expected: string, actual: string, method: string): TrueupError {
  return new TrueupError(
    "WRONG_TABLE",
    `Invalid argument \`id\` for \`${method}\`: ID ${JSON.stringify(id)} was expected to be an Id<"${shown(expected)}">, got Id<"${actual}"> instead.`,
    { id, expected: shown(expected), actual },
  );
}

function valueOf<T>(cell: Cell): T | undefined {
  return cell === null ? undefined : (cell.value as T);
}

/** The data as of the last commit before the transaction. What is read of it is not recorded in the read set. */
export function staleView(state: TransactionState): View {
  const { before: base, usage, baseCatalog } = state;
  return {
    base,
    usage,
    readSet: null,
    catalog: baseCatalog,
    writesTo: () => undefined,
    document: (table, internalId) => base.document(table, internalId),
    cell: (key, codec) => base.cell(key, codec),
    cellNames: (start, take) => namesOfCells(base.storage, start, take),
    counts: (table) => base.counts(table),
  };
}
