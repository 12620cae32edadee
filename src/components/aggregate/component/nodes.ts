/**
 * Where a call finds the nodes of trees: in cells where the database has them, which is on Trueup, else in documents.
 * Either way each node is read at most once and written at most once, when the call ends.
 */
import type { NodeCache, NodeRef } from "../tree/index.js";
import type { DatabaseReader, DatabaseWriter } from "./_generated/server.js";
import type { NodeFields } from "./documents.js";
import { nativeStoreOf } from "./native_store.js";
import { CellNodes } from "./node_cells.js";
import { DocumentNodes } from "./node_documents.js";

/** A call's view of the nodes. */
export interface StoredNodes extends NodeCache {
  /** What suits this store best in trees for which nobody has said otherwise. */
  readonly defaults: { readonly maxNodeSize: number; readonly rootLazy: boolean };
  /** How many documents this call has read for nodes, and would write if it ended now. */
  readonly usage: { read: number; written: number };
  /** The nodes as they are stored, up to `take` of them. */
  list(take: number): Promise<NodeFields[]>;
  load(refs: readonly NodeRef[]): Promise<void>;
  /** Writes what was changed, lower levels first, and returns where created nodes are now. */
  flush(db: DatabaseWriter): Promise<(ref: NodeRef) => string>;
}

export function openNodes(db: DatabaseReader): StoredNodes {
  const native = nativeStoreOf(db);
  return native === null ? new DocumentNodes(db) : new CellNodes(native);
}
