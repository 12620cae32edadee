/**
 * What is set for the component as a whole. Every write asks, so where the database has cells the answer lies in one;
 * elsewhere in a document of its own, which nothing else ever writes.
 */
import type { CellCodec } from "../../../../seams/index.js";
import type { DatabaseWriter } from "../_generated/server.js";
import type { Readings } from "../native/readings.js";
import { nativeStoreOf } from "../native/store.js";

const flagCodec: CellCodec<boolean> = { encode: String, decode: (text) => text === "true" };
const deltasMode = "deltas";

/** Whether writes are appended beside the trees, where their class does not say so itself. @throws Missing */
export function usesDeltas(readings: Readings): boolean {
  const { db, native } = readings;
  if (native !== null) return readings.cell(flagCodec, deltasMode) ?? false;
  return readings.read("settings", () => db.query("settings").first())?.deltas ?? false;
}

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
