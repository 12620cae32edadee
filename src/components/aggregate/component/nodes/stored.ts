/** What a node store promises to the calls of the component, wherever the nodes lie. */
import type { NodeCache, NodeRef } from "../../tree/index.js";
import type { DatabaseWriter } from "../_generated/server.js";
import type { NodeFields } from "./fields.js";

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
  /** The same at once; false, and nothing is written, where that cannot be. */
  flushNow(): boolean;
}
