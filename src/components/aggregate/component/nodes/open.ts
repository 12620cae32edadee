/**
 * Opens the store of the trees' nodes: cells where the database has them, which is on Trueup, else documents. Either way a call
 * reads each node at most once, and writes it at most once, when the call ends.
 */
import { nativeStoreOf } from "../../../../seams/index.js";
import type { DatabaseReader } from "../_generated/server.js";
import { CellNodes } from "./cells.js";
import { DocumentNodes } from "./documents.js";
import type { StoredNodes } from "./stored.js";

export function openNodes(db: DatabaseReader): StoredNodes {
  const native = nativeStoreOf(db);
  return native === null ? new DocumentNodes(db) : new CellNodes(native);
}
