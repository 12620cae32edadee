/**
 * Transforms that are going to begin, with the indexes that are built through them. Until then nobody reads
 * those, but every write keeps them up. A write must never fail because of code that is not in force yet: what cannot
 * be carried over ends the preparation instead, and whoever prepared finds out why.
 */
import { isTrueupError } from "../../errors/index.js";
import type { TableEntry, TransformEntry } from "../catalog/catalog.js";
import { changeShapes, type ShapeChange } from "../catalog/shape-edits.js";
import type { StoredDocument } from "../documents/stored-document.js";
import type { TransactionState } from "../transaction/transaction.js";
import type { TransformDefinition } from "./types.js";

/** Above the table's shape, in their order. */
export function preparedTransforms({ transforms, shape }: TableEntry): readonly TransformEntry[] {
  return transforms.at(-1)?.shape === shape ? [] : transforms.filter((one) => one.shape > shape);
}

/** The shape that all prepared transforms lead to; the table's when there are none. */
export function preparedShape({ transforms, shape }: TableEntry): number {
  return Math.max(shape, transforms.at(-1)?.shape ?? shape);
}

/** Makes these the prepared transforms of a table. What was prepared goes on when it is the same and has not failed. */
export function prepareTransforms(
  state: TransactionState,
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
export function dropPrepared(state: TransactionState, table: TableEntry): TableEntry {
  if (preparedTransforms(table).length === 0) return table;
  return editShapes(state, table, {
    transforms: table.transforms.filter((transform) => transform.shape <= table.shape),
  });
}

/** The table for a write of a document: without the indexes that the document cannot be carried over to. */
export function tableToWrite(
  state: TransactionState,
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
 * Ends a preparation after what a document or a missing function threw. A failure stays on record; a function
 * that is not loaded means that whoever prepared is gone.
 */
export function endPreparation(state: TransactionState, table: TableEntry, error: unknown): TableEntry {
  if (isTrueupError(error) && error.code === "TRANSFORM_MISSING") return dropPrepared(state, table);
  if (!isTrueupError(error) || error.code !== "TRANSFORM_FAILED") throw error;
  const { id, error: message } = error.details;
  const shape = Math.max(Number(error.details["shape"]), table.shape + 1);
  const failure = { id: String(id), message: String(message) };
  return editShapes(state, table, {
    transforms: table.transforms.map((known) => (known.shape === shape ? { ...known, failure } : known)),
  });
}

/** Changes the shapes of a table; the table as it is then. */
export function editShapes(state: TransactionState, table: TableEntry, change: ShapeChange): TableEntry {
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

export function isSameDefinition(a: TransformDefinition, b: TransformDefinition): boolean {
  return a.name === b.name && a.origin === b.origin && a.undoes === b.undoes;
}
