/** Brings a transform into force: one edit of the catalog, however many documents there are. */
import { TrueupError } from "../../errors/index.js";
import type { TableEntry } from "../catalog/catalog.js";
import type { TransactionState } from "../transaction/transaction.js";
import {
  dropPrepared,
  editShapes,
  isSameDefinition,
  newTransform,
  preparedTransforms,
} from "./prepared-transforms.js";
import type { TransformDefinition } from "./types.js";

/**
 * From here on the table's documents are in the next shape: what is stored is carried over when it is read. Indexes of
 * the shape before are dropped; those that were prepared through this transform are ready to be taken over.
 * O(indexes of the table). @returns the number of the new shape
 * @throws TABLE_NOT_FOUND; TRANSFORM_FAILED when a write found a document that it cannot carry over
 */
export function beginTransform(
  state: TransactionState,
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
