/** The node store on `ctx.db`: one document per node. A created node has a number for its ref until `place` gives it an id. */
import { NodeCache, type NodeRef } from "../../tree/index.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import type { Id } from "../_generated/dataModel.js";
import { fieldsOf, nodeOf, type NodeFields } from "./fields.js";
import type { StoredNodes } from "./stored.js";

export class DocumentNodes extends NodeCache implements StoredNodes {
  /** Concurrent writers conflict over documents. A lazy root and small nodes keep them apart. */
  readonly defaults = { maxNodeSize: 16, rootLazy: true };
  readonly removedAtOnce = 500;
  readonly #db: DatabaseReader;
  /** The ids of created nodes, which `place` has inserted. */
  readonly #ids: Map<NodeRef, Id<"nodes">> = new Map();

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

  override async load(refs: readonly NodeRef[]): Promise<void> {
    await Promise.all(
      refs.map(async (ref) => {
        const document = await this.#db.get("nodes", idOf(ref));
        this.keep(ref, document === null ? null : nodeOf(document));
      }),
    );
  }

  /** Inserts created nodes, lower levels first, because a node names its children by their ids. */
  async place(db: DatabaseWriter): Promise<(ref: NodeRef) => string> {
    const stored = (ref: NodeRef) => this.#ids.get(ref) ?? idOf(ref);
    const created = [...this.created].map((ref) => ({ ref, node: this.get(ref) }));
    for (const { ref, node } of created.toSorted((a, b) => a.node.level - b.node.level)) {
      this.#ids.set(ref, await db.insert("nodes", fieldsOf(node, stored)));
    }
    return stored;
  }

  async write(db: DatabaseWriter): Promise<void> {
    const stored = (ref: NodeRef) => this.#ids.get(ref) ?? idOf(ref);
    const edited = [...this.edited].filter((ref) => !this.created.has(ref) && !this.removed.has(ref));
    await Promise.all([
      ...edited.map((ref) => db.replace("nodes", idOf(ref), fieldsOf(this.get(ref), stored))),
      ...[...this.removed].map((ref) => db.delete("nodes", idOf(ref))),
    ]);
  }
}

/** The refs of stored nodes are their documents' ids; those of new nodes are numbers. */
function idOf(ref: NodeRef): Id<"nodes"> {
  if (typeof ref === "number") throw new Error("a node that is not stored yet has no id");
  return ref as Id<"nodes">;
}
