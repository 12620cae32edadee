/**
 * What is set for the component as a whole. Every write asks, so where the database has cells the answer lies in one;
 * elsewhere in a document of its own, which nothing else ever writes.
 */
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import type { CellCodec } from "../../../../seams/index.js";
import { nativeStoreOf } from "../native/store.js";

const flagCodec: CellCodec<boolean> = { encode: String, decode: (text) => text === "true" };
const deltasMode = "deltas";

/** Whether writes are appended beside the trees, unless their class says so itself. */
export async function usesDeltas(db: DatabaseReader): Promise<boolean> {
  const native = nativeStoreOf(db);
  if (native !== null) return (await native.cells(flagCodec).get(deltasMode)) ?? false;
  return (await db.query("settings").first())?.deltas ?? false;
}

/** False also when it cannot be told at once. */
export function usesNoDeltasNow(db: DatabaseReader): boolean {
  const uses = nativeStoreOf(db)?.cells(flagCodec).get(deltasMode);
  return !(uses instanceof Promise) && uses !== true;
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
