/**
 * What is set for the component as a whole. Every write asks for it, so where the database has cells, a cell holds it. Elsewhere
 * it is in a document of its own, which nothing else ever writes.
 */
import { nativeStoreOf, type CellCodec } from "../../../../seams/index.js";
import type { DatabaseWriter } from "../_generated/server.js";
import type { Readings } from "../reading/readings.js";

const flagCodec: CellCodec<boolean> = { encode: String, decode: (text) => text === "true" };
const deltasMode = "deltas";

/** Whether writes are appended as deltas, unless their class says otherwise. @throws Missing */
export function usesDeltas(readings: Readings): boolean {
  const { db, native } = readings;
  if (native !== null) return readings.cell(flagCodec, deltasMode) ?? false;
  return readings.read("settings", () => db.query("settings").first())?.deltas ?? false;
}

/** Sets whether writes are appended as deltas. */
export async function setDeltas(db: DatabaseWriter, deltas: boolean): Promise<void> {
  const native = nativeStoreOf(db);
  if (native !== null) {
    native.cells(flagCodec).set(deltasMode, deltas);
    return;
  }
  const settings = await db.query("settings").first();
  if (settings === null) await db.insert("settings", { deltas });
  else if (settings.deltas !== deltas) await db.patch("settings", settings._id, { deltas });
}
