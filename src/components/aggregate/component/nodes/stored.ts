/** What a node store promises to the calls of the component, wherever the nodes lie. */
import type { NodeCache, NodeRef, Soon } from "../../tree/index.js";
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
  /**
   * Makes places for created nodes, and returns by which ref each node is stored then. Comes before
   * `write` where nodes were created.
   */
  place(db: DatabaseWriter): Soon<(ref: NodeRef) => string>;
  /** Writes what was changed; in the same turn where nodes are cells. */
  write(db: DatabaseWriter): Soon<void>;
}
