/**
 * Prepares transforms that are going to begin, with the indexes that are built through them. Until then nobody reads
 * those indexes, but every write maintains them. A write must never fail because of code that is not in force yet: a document
 * that cannot be carried over ends the preparation instead, and whoever prepared can read why.
 *
 * One rule decides over the indexes of a table whose shape changes: an index stays while its entries are those of the table's
 * shape, or of a shape that a prepared transform makes and nothing has shown to fail.
 */
import { isTrueupError, TrueupError } from "../../errors/index.js";
import type { Catalog, IndexEntry, TableEntry, TransformEntry } from "../catalog/catalog.js";
import type { StoredDocument } from "../documents/stored-document.js";
import type { EditedState } from "../transaction/edited-state.js";
import type { TransformDefinition } from "./types.js";
import type { Write } from "../../storage/storage.js";
import { type CatalogEdit, componentOf, edit, forgetIndex, withTable } from "../catalog/edits.js";
import { catalogKeys } from "../catalog/key-layout.js";
import { tableWrite, transformWrite } from "../catalog/records.js";

/** The prepared transforms of a table, in their order: those that make shapes above the table's. */
function preparedTransforms({ transforms, shape }: TableEntry): readonly TransformEntry[] {
  return transforms.at(-1)?.shape === shape ? [] : transforms.filter((one) => one.shape > shape);
}

/** The shape that all prepared transforms lead to; the table's when there are none. */
export function preparedShape({ transforms, shape }: TableEntry): number {
  return Math.max(shape, transforms.at(-1)?.shape ?? shape);
}

/** Makes these the prepared transforms of a table. What was prepared goes on when it is the same and has not failed. */
export function prepareTransforms(
  state: EditedState,
  table: TableEntry,
  definitions: readonly TransformDefinition[],
): TableEntry {
  const prepared = preparedTransforms(table);
  const isKept =
    prepared.length === definitions.length &&
    prepared.every(
      (known, at) => known.failure === null && isSameDefinition(known, definitions[at] ?? known),
    );
  if (isKept) return table;
  const cleared = prepared.length === 0 ? table : dropPrepared(state, table);
  if (definitions.length === 0) return cleared;
  const added = definitions.map((definition, at) =>
    newTransform(definition, cleared.shape + 1 + at, state.beganAtMs),
  );
  return editShapes(state, cleared, { transforms: [...cleared.transforms, ...added] });
}

/** Forgets the prepared transforms of a table, with their indexes. */
export function dropPrepared(state: EditedState, table: TableEntry): TableEntry {
  if (preparedTransforms(table).length === 0) return table;
  return editShapes(state, table, {
    transforms: table.transforms.filter((transform) => transform.shape <= table.shape),
  });
}

/** The table for a write of a document: without the indexes that the document cannot be carried over to. */
export function tableToWrite(
  state: EditedState,
  table: TableEntry,
  before: StoredDocument | null,
  after: StoredDocument | null,
): TableEntry {
  const shape = preparedShape(table);
  if (shape === table.shape || preparedTransforms(table).some(({ failure }) => failure !== null)) {
    return table;
  }
  try {
    for (const stored of [before, after]) if (stored !== null) state.base.shapes.at(table, stored, shape);
    return table;
  } catch (error) {
    return endPreparation(state, table, error);
  }
}

/**
 * Ends a preparation because of an error that a document or a missing function threw, and records that as its failure. A
 * function is missing where the code of the program to come cannot be loaded, or is not there any more.
 */
export function endPreparation(state: EditedState, table: TableEntry, error: unknown): TableEntry {
  if (!isTrueupError(error) || !endsPreparation.has(error.code)) throw error;
  const { id, error: reason = error.message } = error.details;
  const shape = Math.max(Number(error.details["shape"]), table.shape + 1);
  const failure = { id: String(id), message: String(reason) };
  return editShapes(state, table, {
    transforms: table.transforms.map((known) => (known.shape === shape ? { ...known, failure } : known)),
  });
}

const endsPreparation: ReadonlySet<string> = new Set(["TRANSFORM_FAILED", "TRANSFORM_MISSING"]);

/** Changes the shapes of a table. @returns the changed table */
export function editShapes(state: EditedState, table: TableEntry, change: ShapeChange): TableEntry {
  state.edit(changeShapes(state.catalog, table, change));
  const next = state.catalog.tableById(table.id);
  if (next === undefined) throw new Error(`table ${table.name} is not there any more`);
  return next;
}

export function newTransform(
  { name, origin, hasDown, undoes }: TransformDefinition,
  shape: number,
  beganAtMs: number,
): TransformEntry {
  const entry = { name, origin, hasDown, shape, beganAtMs, failure: null };
  return undoes === undefined ? entry : { ...entry, undoes };
}

function isSameDefinition(a: TransformDefinition, b: TransformDefinition): boolean {
  return a.name === b.name && a.origin === b.origin && a.undoes === b.undoes;
}

interface ShapeChange {
  readonly shape?: number;
  readonly settledShape?: number;
  readonly transforms?: readonly TransformEntry[];
}

/** O(indexes + transforms of the table). */
function changeShapes(catalog: Catalog, table: TableEntry, change: ShapeChange): CatalogEdit {
  const component = componentOf(catalog, table);
  const changed: TableEntry = { ...table, ...change };
  const next = { ...changed, indexes: table.indexes.filter((index) => isOfUse(changed, index)) };
  const writes: Write[] = [];
  if (next.shape !== table.shape || next.settledShape !== table.settledShape) {
    writes.push(tableWrite(component, next));
  }
  const kept = new Set(next.transforms);
  const known = new Set(table.transforms);
  for (const gone of known) {
    if (!kept.has(gone)) writes.push([catalogKeys.transform(table.id, gone.shape), undefined]);
  }
  for (const transform of kept) if (!known.has(transform)) writes.push(transformWrite(next, transform));
  for (const index of table.indexes) if (!next.indexes.includes(index)) writes.push(...forgetIndex(index));
  if (next.settledShape !== table.settledShape) {
    writes.push([catalogKeys.writeThrough(table.id), undefined]);
  }
  return edit(catalog, { ...catalog.head }, withTable(component, next), writes);
}

function isOfUse({ shape, transforms }: TableEntry, index: IndexEntry): boolean {
  if (index.shape === shape) return true;
  const upTo = transforms.filter((transform) => transform.shape > shape && transform.shape <= index.shape);
  return upTo.at(-1)?.shape === index.shape && upTo.every(({ failure }) => failure === null);
}

/**
 * From here on the table's documents are in the next shape: what is stored is carried over when it is read. Indexes of
 * the shape before are dropped; those that were prepared through this transform are ready to be taken over.
 * O(indexes of the table). @returns the number of the new shape
 * @throws TABLE_NOT_FOUND; TRANSFORM_FAILED when a write found a document that it cannot carry over
 */
export function beginTransform(
  state: EditedState,
  path: string,
  tableName: string,
  definition: TransformDefinition,
): number {
  const found = state.catalog.table(path, tableName);
  if (found === undefined) throw noTable(path, tableName);
  const shape = found.shape + 1;
  const [first] = preparedTransforms(found);
  if (first !== undefined && isSameDefinition(first, definition)) {
    if (first.failure !== null) throw failedBefore(found, first.name, first.failure);
    const began = { ...first, beganAtMs: state.beganAtMs };
    const transforms = found.transforms.map((known) => (known === first ? began : known));
    editShapes(state, found, { shape, transforms });
    return shape;
  }
  const table = dropPrepared(state, found);
  const began = newTransform(definition, shape, state.beganAtMs);
  editShapes(state, table, { shape, transforms: [...table.transforms, began] });
  return shape;
}

export function noTable(path: string, tableName: string): TrueupError {
  return new TrueupError("TABLE_NOT_FOUND", `There is no table "${tableName}".`, {
    table: tableName,
    componentPath: path,
  });
}

function failedBefore(
  table: TableEntry,
  name: string,
  { id, message }: { id: string; message: string },
): TrueupError {
  return new TrueupError(
    "TRANSFORM_FAILED",
    `Transform "${name}" failed on document ${id} of table "${table.name}", which was written after the rehearsal: ${message}`,
    { id, table: table.name, componentPath: table.componentPath, transform: name, error: message },
  );
}
