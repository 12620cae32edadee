/**
 * Drift that writes come upon. Whoever follows a table says with each write what was there `before`. Where a tree that answers
 * reads disagrees, the write still puts the item of its document right, and the document is noted here. Other items may have
 * drifted as well, and the document may have a second item at a place that nobody knows: so a repair becomes due
 * (`check/lifecycle.ts`). The note stays until a repair that began after it has mended whatever is wrong.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import type { DriftedDocument } from "../../../../seams/index.js";

/** A document whose item was not what it should have been. */
export type Drifted = Omit<DriftedDocument, "atMs">;

/** At most this many documents are named; the others are only counted. */
const maxNamedDocuments = 100;

/** The drift of a generation that no check has looked into since; null when there is none. */
export function driftOf(db: DatabaseReader, generation: number): Promise<Doc<"drift"> | null> {
  return db
    .query("drift")
    .withIndex("by_generation", (q) => q.eq("generation", generation))
    .first();
}

/** Notes documents that have drifted, each of them once. */
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

/** Records the run that was begun to look into everything noted until now. */
export async function assignRun(db: DatabaseWriter, generation: number, run: Id<"checkRuns">): Promise<void> {
  const row = await driftOf(db, generation);
  if (row !== null) await db.patch("drift", row._id, { run });
}

/** Forgets the drift that a run has looked into and mended; `unfixed` says how many differences the run has left. */
export async function settleDrift(
  db: DatabaseWriter,
  { generation, _id, repair }: Doc<"checkRuns">,
  unfixed: number,
): Promise<void> {
  const row = await driftOf(db, generation);
  if (row?.run !== _id) return;
  if (unfixed === 0) await db.delete("drift", row._id);
  // What one repair could not mend, another one could not either.
  else if (!repair) await db.patch("drift", row._id, { run: undefined });
}

/** Forgets the drift of a generation that is dropped. */
export async function forgetDrift(db: DatabaseWriter, generation: number): Promise<void> {
  const row = await driftOf(db, generation);
  if (row !== null) await db.delete("drift", row._id);
}
