/**
 * The change of a catalog that transforms are made of: a table's shape, the transforms above its settled shape, and
 * with them its indexes. One rule decides over those: an index stays while its entries are those of the table's
 * shape, or of a shape that a prepared transform makes and nothing has shown to fail.
 */
import type { Write } from "../../storage/storage.js";
import type { Catalog, IndexEntry, TableEntry, TransformEntry } from "./catalog.js";
import { componentOf, edit, forgetIndex, withTable, type CatalogEdit } from "./edits.js";
import { catalogKeys } from "./key-layout.js";
import { tableWrite, transformWrite } from "./records.js";

export interface ShapeChange {
  readonly shape?: number;
  readonly settledShape?: number;
  readonly transforms?: readonly TransformEntry[];
}

/** O(indexes + transforms of the table). */
export function changeShapes(catalog: Catalog, table: TableEntry, change: ShapeChange): CatalogEdit {
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
