/**
 * Finds where a document stands in indexes that were built through transforms. A write must delete the entry that is stored, not
 * the one that a new run of the transform would make. For a pure function the two are the same, which one lookup for each such
 * index confirms. Where they differ, the stored entry is searched for and the document is noted as impure. Documents that are
 * stored in the shape of their indexes cost nothing.
 */
import { prefixEnd } from "../../values/index.js";
import type { IndexEntry, TableEntry } from "../catalog/catalog.js";
import { documentTail, entryKey, tailLength } from "../catalog/key-layout.js";
import type { StoredDocument } from "../documents/stored-document.js";
import { readProgress } from "../background/index-builds.js";
import type { EditedState } from "../transaction/edited-state.js";
import type { StoredEntries } from "../transaction/table-writes.js";

const searchBatch = 1024;

/**
 * O(indexes) reads when the document was carried over; O(entries of the index) more for each in which it stands elsewhere.
 * @param table As `tableToWrite` gives it: every document can be carried over to its indexes.
 */
export async function storedEntries(
  state: EditedState,
  table: TableEntry,
  internalId: string,
  before: StoredDocument | null,
  after: StoredDocument | null,
): Promise<StoredEntries> {
  const found = new Map<number, readonly string[] | "left to the build">();
  const document = (after ?? before)?.document;
  if (document === undefined) return found;
  const tail = documentTail(document._creationTime, internalId);
  for (const index of table.indexes) {
    const isPrepared = index.shape > table.shape;
    const isMade = before !== null && (before.source ?? before).shape < index.shape;
    if (!isPrepared && !isMade) continue;
    if (index.state === "building") {
      const { cursor } = await readProgress(state.stored, index);
      if (table.documentsPrefix + tail > cursor) {
        // The build adds it from the document as it is then; if both did, they could add two.
        found.set(index.id, isPrepared ? "left to the build" : []);
        continue;
      }
    }
    if (!isMade) continue;
    const made = state.base.shapes.at(table, before, index.shape);
    if (await hasEntry(state, table, index, entryKey(index, made.document, tail))) continue;
    const strays = await entriesWithTail(state, table, index, tail);
    found.set(index.id, strays);
    if (strays.length > 0) state.base.shapes.noteImpure(table, document._id);
  }
  return found;
}

async function hasEntry(
  state: EditedState,
  table: TableEntry,
  index: IndexEntry,
  key: string,
): Promise<boolean> {
  const own = state.writesTo(table.id)?.entries(index)?.get(key);
  if (own !== undefined) return own !== "removed";
  return (await state.stored.get(key)) !== undefined;
}

async function entriesWithTail(
  state: EditedState,
  table: TableEntry,
  index: IndexEntry,
  tail: string,
): Promise<string[]> {
  const own = state.writesTo(table.id)?.entries(index);
  const found = new Set<string>();
  const end = prefixEnd(index.prefix);
  let start = index.prefix;
  for (;;) {
    const entries = await state.stored.scan({ start, end }, { limit: searchBatch });
    for (const [key] of entries) if (key.slice(-tailLength) === tail) found.add(key);
    const last = entries.at(-1);
    if (last === undefined || entries.length < searchBatch) break;
    start = `${last[0]}\x00`;
  }
  for (const [key, write] of own?.entries() ?? []) {
    if (write === "removed") found.delete(key);
    else if (key.slice(-tailLength) === tail) found.add(key);
  }
  return [...found];
}
