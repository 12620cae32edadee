/**
 * Drift that writes come upon. Whoever follows a table says what was there before each write (`ItemBefore`). Where a tree that
 * answers reads says otherwise, the write puts its document right all the same, and the document is noted here. Where one item has
 * drifted others may have, and the document may have another item at a place that nobody knows: so a repair becomes due
 * (`check/lifecycle.ts`), and the note stands until one that was begun after it has found, and mended, what is wrong.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import type { DriftedDocument } from "../../../../seams/index.js";

/** A document whose item was not what it should have been. */
export type Drifted = Omit<DriftedDocument, "atMs">;

/** So many documents are named; the others are counted. */
const maxNamedDocuments = 100;

/** What writes have come upon in a generation, and no check has looked into since; or null. */
export function driftOf(db: DatabaseReader, generation: number): Promise<Doc<"drift"> | null> {
  return db
    .query("drift")
    .withIndex("by_generation", (q) => q.eq("generation", generation))
    .first();
}

/** Notes documents, each once. */
export async function noteDrift(
  db: DatabaseWriter,
  generation: number,
  found: readonly Drifted[],
): Promise<void> {
  if (found.length === 0) return;
  const row = await driftOf(db, generation);
  const known = new Set(row?.documents.map(({ id }) => id));
  const fresh = found.filter(({ id }) => !known.has(id) && known.add(id));
  for (const { id, kind } of fresh) {
    console.error(
      `[aggregate] the item of document ${id} had drifted (${kind}): it is put right, a repair is due`,
    );
  }
  const atMs = Date.now();
  const documents = [...(row?.documents ?? []), ...fresh.map((one) => ({ ...one, atMs }))].slice(
    0,
    maxNamedDocuments,
  );
  const count = (row?.count ?? 0) + fresh.length;
  if (row === null) await db.insert("drift", { generation, count, documents });
  else await db.patch("drift", row._id, { count, documents, run: undefined });
}

/** A run was begun that looks into everything noted until now. */
export async function lookInto(db: DatabaseWriter, generation: number, run: Id<"checkRuns">): Promise<void> {
  const row = await driftOf(db, generation);
  if (row !== null) await db.patch("drift", row._id, { run });
}

/** That run is through: what it has looked into is settled, or left to a repair. */
export async function settleDrift(
  db: DatabaseWriter,
  { generation, _id, repair }: Doc<"checkRuns">,
  unfixed: number,
): Promise<void> {
  const row = await driftOf(db, generation);
  if (row?.run !== _id) return;
  if (unfixed === 0) await db.delete("drift", row._id);
  // What a repair leaves, another one would leave too.
  else if (!repair) await db.patch("drift", row._id, { run: undefined });
}

/** Nothing is noted of a generation that is dropped. */
export async function forgetDrift(db: DatabaseWriter, generation: number): Promise<void> {
  const row = await driftOf(db, generation);
  if (row !== null) await db.delete("drift", row._id);
}
