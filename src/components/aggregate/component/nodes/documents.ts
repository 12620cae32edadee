/** The node store on `ctx.db`: one document per node. What is created has a ref of its own until `flush` gives it an id. */
import { NodeCache, type NodeRef } from "../../tree/index.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import type { Id } from "../_generated/dataModel.js";
import { fieldsOf, nodeOf, type NodeFields } from "./fields.js";
import type { StoredNodes } from "./stored.js";

export class DocumentNodes extends NodeCache implements StoredNodes {
  /** A lazy root and small nodes keep concurrent writers, who conflict over documents, apart. */
  readonly defaults = { maxNodeSize: 16, rootLazy: true };
  readonly #db: DatabaseReader;

  constructor(db: DatabaseReader) {
    super();
    this.#db = db;
  }

  /** How many nodes this call has read, and would write if it ended now. */
  get usage(): { read: number; written: number } {
    return {
      read: this.nodes.size + this.removed.size,
      written: this.created.size + this.edited.size + this.removed.size,
    };
  }

  list(take: number): Promise<NodeFields[]> {
    return this.#db.query("nodes").take(take);
  }

  async load(refs: readonly NodeRef[]): Promise<void> {
    await Promise.all(
      refs.map(async (ref) => {
        const document = await this.#db.get("nodes", idOf(ref));
        if (document === null) this.absent.add(ref);
        else this.nodes.set(ref, nodeOf(document));
      }),
    );
  }

  flushNow(): boolean {
    return false;
  }

  /** Writes what was changed, lower levels first, and returns where created nodes are now. */
  async flush(db: DatabaseWriter): Promise<(ref: NodeRef) => string> {
    const ids = new Map<NodeRef, Id<"nodes">>();
    const stored = (ref: NodeRef) => ids.get(ref) ?? idOf(ref);
    const created = [...this.created].map((ref) => ({ ref, node: this.get(ref) }));
    for (const { ref, node } of created.toSorted((a, b) => a.node.level - b.node.level)) {
      ids.set(ref, await db.insert("nodes", fieldsOf(node, stored)));
    }
    const edited = [...this.edited].filter((ref) => !this.created.has(ref) && !this.removed.has(ref));
    await Promise.all([
      ...edited.map((ref) => db.replace("nodes", idOf(ref), fieldsOf(this.get(ref), stored))),
      ...[...this.removed].map((ref) => db.delete("nodes", idOf(ref))),
    ]);
    return stored;
  }
}

/** The refs of stored nodes are their documents' ids; those of new nodes are numbers. */
function idOf(ref: NodeRef): Id<"nodes"> {
  if (typeof ref === "number") throw new Error("a node that is not stored yet has no id");
  return ref as Id<"nodes">;
}
