/** One component's tables as a mutation writes them. */
import { shown, TrueupError } from "../../errors/index.js";
import { describeRefusedWrite } from "../../schema/index.js";
import type { MaybePromise } from "../../storage/storage.js";
import { encodeId, isPlainObject, newInternalId } from "../../values/index.js";
import type { PendingSchema, TableEntry } from "../catalog/catalog.js";
import { createTable } from "../catalog/edits.js";
import { documentTail } from "../catalog/key-layout.js";
import type { CellCodec, CellWriter } from "../../seams/index.js";
import type { Fields } from "../documents/document.js";
import { prepareDocument } from "../documents/prepare-document.js";
import { copyDocument, type StoredDocument } from "../documents/stored-document.js";
import { preparedShape } from "../transforms/prepared-transforms.js";
import type { MutationState } from "./mutation-state.js";
import { type Place, Reader } from "./reader.js";
import type { Change, ChangeOptions, DatabaseWriter, DocumentImages, InsertOptions } from "./types.js";

type Method = "insert" | "patch" | "replace" | "delete";

export class Writer extends Reader implements DatabaseWriter {
  readonly #mutation: MutationState;

  constructor(mutation: MutationState, path: string, isSystem: boolean) {
    super(mutation.state, path, isSystem);
    this.#mutation = mutation;
  }

  async insert(tableName: string, value: Fields, options: InsertOptions = {}): Promise<string> {
    this.state.assertActive();
    this.assertReachable(tableName);
    this.assertInSchema(tableName);
    assertObject(value, "insert");
    for (const field of ["_id", "_creationTime"]) {
      if (value[field] !== undefined) throw givenSystemField(field);
    }
    const table = this.catalog.table(this.path, tableName);
    if (table !== undefined) return await this.#insert(table, value, options);
    return await this.state.nested(async () => {
      this.state.edit(createTable(this.catalog, this.path, tableName));
      const created = this.catalog.table(this.path, tableName);
      if (created === undefined) throw new Error("a table that was just created");
      return await this.#insert(created, value, options);
    });
  }

  async patch(id: string, fields: Fields, tableName?: string, options: ChangeOptions = {}): Promise<void> {
    this.state.assertActive();
    assertObject(fields, "patch");
    const place = this.#existing(id, tableName, "patch");
    const found = this.#read(place, id, "patch");
    const before = found instanceof Promise ? await found : found;
    const { document } = before;
    assertSameSystemFields(fields, before);
    // Fields that are undefined are left out when the document is prepared.
    const { table, internalId } = place;
    const after = prepareDocument({ ...document, ...fields }, id, document._creationTime, table.shape);
    await this.#write(table, internalId, before, after, options);
  }

  async replace(id: string, value: Fields, tableName?: string, options: ChangeOptions = {}): Promise<void> {
    this.state.assertActive();
    assertObject(value, "replace");
    const place = this.#existing(id, tableName, "replace");
    const found = this.#read(place, id, "replace");
    const before = found instanceof Promise ? await found : found;
    assertSameSystemFields(value, before);
    const after = prepareDocument(value, id, before.document._creationTime, place.table.shape);
    await this.#write(place.table, place.internalId, before, after, options);
  }

  async delete(id: string, tableName?: string): Promise<void> {
    this.state.assertActive();
    const place = this.#existing(id, tableName, "delete");
    const found = this.#read(place, id, "delete");
    const before = found instanceof Promise ? await found : found;
    await this.#write(place.table, place.internalId, before, null);
  }

  isWritten(id: string, tableName?: string): boolean {
    const place = this.place(id, tableName, "get");
    return place !== null && this.state.isWritten(place.table, place.internalId);
  }

  override cells<T>(codec: CellCodec<T>): CellWriter<T> {
    const write = (name: string, value: T | undefined, isKept: boolean): void => {
      this.state.assertActive();
      const key = this.cellKey(name);
      if (key === undefined) throw new Error("a component without tables has no cells");
      this.state.writeCell(this.path, key, { cell: value === undefined ? null : { value }, codec, isKept });
    };
    return {
      ...super.cells(codec),
      set: (name, value) => write(name, value, true),
      store: (name, value) => write(name, value, false),
    };
  }

  async #insert(table: TableEntry, value: Fields, options: InsertOptions): Promise<string> {
    const internalId =
      options.id === undefined
        ? newInternalId(this.#mutation.nowMs, this.#mutation.random)
        : await this.#claim(table, options.id);
    const id = options.id ?? encodeId(table.number, internalId);
    const creationTime = options.creationTime ?? this.#mutation.nextCreationTime();
    if (!Number.isFinite(creationTime)) {
      throw new TrueupError("INVALID_VALUE", `A creation time must be a finite number, got ${creationTime}.`);
    }
    const after = prepareDocument(value, id, creationTime, table.shape);
    await this.#write(table, internalId, null, after);
    return id;
  }

  /** @throws INVALID_ID, WRONG_TABLE, ID_TAKEN */
  async #claim(table: TableEntry, id: string): Promise<string> {
    const place = this.#existing(id, table.name, "insert");
    if ((await this.#before(place)) === null) return place.internalId;
    throw new TrueupError("ID_TAKEN", `There is a document with ID ${JSON.stringify(id)} already.`, { id });
  }

  /** @throws DOCUMENT_NOT_FOUND when the id is of no table, and what `place` throws */
  #existing(id: string, tableName: string | undefined, method: Method): Place {
    const place = this.place(id, tableName, method);
    if (place === null) throw notFound(id, method);
    return place;
  }

  /** The document before a write, or before a write of its id. */
  #before({ table, internalId }: Place): MaybePromise<StoredDocument | null> {
    this.state.readSet.addKey(table.idsPrefix + internalId);
    return this.state.document(table, internalId);
  }

  #read(place: Place, id: string, method: Method): MaybePromise<StoredDocument> {
    const found = this.#before(place);
    return found instanceof Promise
      ? found.then((stored) => this.#counted(place, stored, id, method))
      : this.#counted(place, found, id, method);
  }

  #counted(place: Place, stored: StoredDocument | null, id: string, method: Method): StoredDocument {
    if (stored === null) throw notFound(id, method);
    this.state.usage.countRead(stored.sizeBytes);
    // The write-through changes what is stored, and with that the counts, but not what is read by id.
    if (stored.source !== null) this.state.readSet.addKey(documentKey(place, stored));
    return stored;
  }

  /** The one place that changes documents: the schema's check, the write, the hooks. */
  async #write(
    table: TableEntry,
    internalId: string,
    before: StoredDocument | null,
    after: StoredDocument | null,
    options: ChangeOptions = {},
  ): Promise<void> {
    if (after !== null) this.#assertFits(table, before, after, options);
    this.state.usage.countWrite(after === null ? 0 : after.sizeBytes);
    const { hooks: resolve, transaction } = this.#mutation;
    const hooks = resolve(table.componentPath, table.name, transaction);
    if (hooks.length === 0) {
      const writing = this.state.write(table, internalId, before, after);
      if (writing instanceof Promise) await writing;
      return;
    }
    await this.state.nested(async () => {
      const writing = this.state.write(table, internalId, before, after);
      if (writing instanceof Promise) await writing;
      for (const hook of hooks) {
        await hook(transaction, this.#describe(table, before, after));
      }
    });
  }

  #describe(table: TableEntry, before: StoredDocument | null, after: StoredDocument | null): Change {
    const { shapes } = this.state.base;
    const ahead = (stored: StoredDocument | null): StoredDocument | null =>
      stored === null ? null : shapes.at(table, stored, preparedShape(table));
    return {
      operation: before === null ? "insert" : after === null ? "delete" : "update",
      componentPath: table.componentPath,
      tableName: table.name,
      id: (after ?? before)?.document._id ?? "",
      ...imagesOf(before, after),
      prepared: () => imagesOf(ahead(before), ahead(after)),
    };
  }

  /** @throws SCHEMA_VIOLATION */
  #assertFits(
    { check, name, componentPath }: TableEntry,
    before: StoredDocument | null,
    after: StoredDocument,
    { writtenBy }: ChangeOptions,
  ): void {
    if (check === null || check.fits(after.document, this)) return;
    const pending = this.catalog.components.get(componentPath)?.pending ?? null;
    const isOld = pending !== null && before !== null && !check.fits(before.document, this);
    if (isOld && isLeftToLater(pending, name, writtenBy)) return;
    const violations = check.check(after.document, this);
    const why = isOld ? `\n${describePending(pending.migrations)}` : "";
    throw new TrueupError("SCHEMA_VIOLATION", describeRefusedWrite(name, violations) + why, {
      table: name,
      componentPath,
      violations,
      ...(isOld ? { awaitedMigrations: pending.migrations } : {}),
    });
  }
}

function documentKey({ table, internalId }: Place, { document }: StoredDocument): string {
  return table.documentsPrefix + documentTail(document._creationTime, internalId);
}

/** Whether the writer is one of the migrations that the schema awaits, and not the last of the table. */
function isLeftToLater(
  { migrations, tables }: PendingSchema,
  tableName: string,
  writtenBy: string | undefined,
): boolean {
  const at = writtenBy === undefined ? -1 : migrations.indexOf(writtenBy);
  return at >= 0 && tables.indexOf(tableName, at + 1) >= 0;
}

/** Why a document does not fit although little of it was written, and what to do about that. */
function describePending(migrations: readonly string[]): string {
  return (
    `The schema is pending: the document is from before it, and ${migrations.join(", ")} has not brought it into the schema yet. ` +
    "Every write is held to the new schema all the same: write all that it asks for (with `replace`, or in the same patch), " +
    "or write the document once it is migrated; `trueup migrations --watch` shows how far that is."
  );
}

function imagesOf(before: StoredDocument | null, after: StoredDocument | null): DocumentImages {
  return {
    oldDoc: before === null ? null : copyDocument(before),
    newDoc: after === null ? null : copyDocument(after),
  };
}

function assertObject(value: unknown, method: string): asserts value is Fields {
  if (isPlainObject(value)) return;
  const found = Array.isArray(value) ? "an array" : shown(value);
  throw new TrueupError(
    "INVALID_VALUE",
    `Invalid argument \`value\` for \`db.${method}\`: expected an object of fields, got ${found}.`,
    { method },
  );
}

function assertSameSystemFields(fields: Fields, { document }: StoredDocument): void {
  for (const field of ["_id", "_creationTime"] as const) {
    const given = fields[field];
    if (field in fields && given === undefined) throw removedSystemField(field);
    if (given !== undefined && given !== document[field]) {
      const provided = typeof given === "string" ? `"${shown(given)}"` : shown(given);
      const own = field === "_id" ? `ID "${document._id}"` : `creation time ${document._creationTime}`;
      throw new TrueupError(
        "SYSTEM_FIELD_CHANGED",
        `Provided \`${field}\` field value ${provided} does not match the document${field === "_id" ? "" : "'s"} ${own}`,
        { field, id: document._id },
      );
    }
  }
}

function removedSystemField(field: string): TrueupError {
  return new TrueupError("SYSTEM_FIELD_CHANGED", `The field \`${field}\` cannot be removed.`, { field });
}

function givenSystemField(field: string): TrueupError {
  return new TrueupError(
    "SYSTEM_FIELD_CHANGED",
    `Provided \`${field}\` to \`db.insert\`: the database sets it.`,
    { field },
  );
}

function notFound(id: string, method: Method): TrueupError {
  const action = method === "delete" ? "Delete" : "Update";
  return new TrueupError("DOCUMENT_NOT_FOUND", `${action} on nonexistent document ID ${id}`, {
    id,
    method,
  });
}
