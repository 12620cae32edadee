/**
 * Where a call finds the nodes of trees: in cells where the database has them, which is on Trueup, else in documents.
 * Either way each node is read at most once and written at most once, when the call ends.
 */
import type { DatabaseReader } from "../_generated/server.js";
import { nativeStoreOf } from "../native/store.js";
import { CellNodes } from "./cells.js";
import { DocumentNodes } from "./documents.js";
import type { StoredNodes } from "./stored.js";

export function openNodes(db: DatabaseReader): StoredNodes {
  const native = nativeStoreOf(db);
  return native === null ? new DocumentNodes(db) : new CellNodes(native);
}
