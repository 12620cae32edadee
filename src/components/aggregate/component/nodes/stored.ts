/**
 * What a node store promises to the calls of the component, whether nodes are cells, which they are where the database has
 * cells, or documents. Each node is read at most once, and written at most once, when the call ends.
 */
import type { NodeCache, NodeRef, Soon } from "../../tree/index.js";
import type { DatabaseWriter } from "../_generated/server.js";
import type { NodeFields } from "./fields.js";

/** A call's view of the nodes. */
export interface StoredNodes extends NodeCache {
  /** How trees are set up in this store unless somebody says otherwise. */
  readonly defaults: { readonly maxNodeSize: number; readonly rootLazy: boolean };
  /** How many nodes a transaction in the background removes at most, so that live writes get through. */
  readonly removedAtOnce: number;
  /** How many documents this call has read for nodes, and would write if it ended now. */
  readonly usage: { read: number; written: number };
  /** The nodes as they are stored, up to `take` of them. */
  list(take: number): Promise<NodeFields[]>;
  /**
   * Gives created nodes the places where they are stored. Returns a function that tells by which ref a node is stored. It is
   * called before `write`. @throws Missing before it has done anything.
   */
  place(db: DatabaseWriter): Soon<(ref: NodeRef) => string>;
  /** Writes what was changed. It is done in the same turn where nodes are cells. */
  write(db: DatabaseWriter): Soon<void>;
}
