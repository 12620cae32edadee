/**
 * The node store on Trueup's cells: nodes are read where they lie decoded, and encoded only when the transaction
 * commits. Refs are numbered by a cell of their own.
 */
import type { CellCodec, CellWriter, NativeStore } from "../../../../seams/index.js";
import {
  afterwards,
  isLeaf,
  NodeCache,
  type Child,
  type Node,
  type NodeRef,
  type Soon,
} from "../../tree/index.js";
import { nodeCodec } from "./codec.js";
import { fieldsOf, type NodeFields } from "./fields.js";
import type { StoredNodes } from "./stored.js";

const counterCodec: CellCodec<number> = { encode: String, decode: Number };
/** Names of nodes start with this, and the one of the counter does not. */
const nodeCells = "n";
const counterCell = "count";

export class CellNodes extends NodeCache implements StoredNodes {
  /** Writers take turns where there are cells, so nothing is gained by a lazy root; the size is measured. */
  readonly defaults = { maxNodeSize: 32, rootLazy: false };
  /** Cells are no documents, so they count towards no limit. */
  readonly usage = { read: 0, written: 0 };
  readonly #cells: CellWriter<Node | null>;
  readonly #counter: CellWriter<number>;
  /** The names of created nodes, from `place` until they are written. */
  readonly #names: Map<NodeRef, string> = new Map();

  constructor(native: NativeStore) {
    super();
    this.#cells = native.cells(nodeCodec);
    this.#counter = native.cells(counterCodec);
  }

  async list(take: number): Promise<NodeFields[]> {
    const names = await this.#cells.names(nodeCells, take);
    const nodes = await Promise.all(names.map(async (name) => await this.#cells.get(name)));
    return nodes.flatMap((node) => (node ? [fieldsOf(node, String)] : []));
  }

  override async load(refs: readonly NodeRef[]): Promise<void> {
    await Promise.all(refs.map(async (ref) => this.keep(ref, (await this.#cells.get(nameOf(ref))) ?? null)));
  }

  /** A node that cannot be read is as one that is not there. */
  protected override fetch(ref: NodeRef): Node | null | undefined {
    const found = this.#cells.get(nameOf(ref));
    return found instanceof Promise ? undefined : (found ?? null);
  }

  place(): Soon<(ref: NodeRef) => string> {
    if (this.created.size === 0) return String;
    return afterwards(this.#counter.get(counterCell), (count = 0) => {
      let next = count;
      for (const ref of this.created) this.#names.set(ref, (next++).toString(36));
      this.#counter.set(counterCell, next);
      return (ref) => this.#names.get(ref) ?? String(ref);
    });
  }

  /** From here on nodes have the refs that they are stored by, and count as read. */
  write(): void {
    for (const ref of this.edited) {
      if (!this.created.has(ref) && !this.removed.has(ref)) this.#writeNode(ref);
    }
    for (const ref of this.created) this.#writeNode(ref);
    for (const ref of this.removed) {
      this.#cells.set(nameOf(ref), undefined);
      this.absent.add(ref);
    }
    this.#names.clear();
    this.forgetChanges();
  }

  #writeNode(ref: NodeRef): void {
    const node = withStoredRefs(this.get(ref), this.#names);
    const name = this.#names.get(ref);
    this.#cells.set(nameOf(name ?? ref), node);
    if (name !== undefined) this.nodes.delete(ref);
    this.nodes.set(name ?? ref, node);
  }
}

function nameOf(ref: NodeRef): string {
  return nodeCells + ref;
}

/** Only children that are new are copied: what is kept for the others stays with them. */
function withStoredRefs(node: Node, names: ReadonlyMap<NodeRef, string>): Node {
  if (isLeaf(node) || !node.children.some(({ ref }) => names.has(ref))) return node;
  const children = node.children.map((child): Child => {
    const name = names.get(child.ref);
    return name === undefined ? child : { ...child, ref: name };
  });
  return { level: node.level, children, memo: node.memo };
}
