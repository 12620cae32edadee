/**
 * The node store on Trueup's cells: nodes are read where they lie decoded, at once when the storage answers at once, and
 * encoded only when the transaction commits. Refs are numbered by a cell of their own.
 */
import { isLeaf, NodeCache, type Child, type Node, type NodeRef } from "../../tree/index.js";
import type { CellCodec, CellWriter, NativeStore } from "../../../../seams/index.js";
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

  constructor(native: NativeStore) {
    super();
    this.#cells = native.cells(nodeCodec);
    this.#counter = native.cells(counterCodec);
  }

  override find(ref: NodeRef): Node | null {
    return this.nodes.get(ref) ?? this.#fetch(ref);
  }

  override expect(refs: readonly NodeRef[]): void {
    for (const ref of refs) this.#keepAtHand(ref);
    super.expect(refs);
  }

  async list(take: number): Promise<NodeFields[]> {
    const names = await this.#cells.names(nodeCells, take);
    const nodes = await Promise.all(names.map(async (name) => await this.#cells.get(name)));
    return nodes.flatMap((node) => (node ? [fieldsOf(node, String)] : []));
  }

  async load(refs: readonly NodeRef[]): Promise<void> {
    await Promise.all(refs.map(async (ref) => this.#keep(ref, await this.#cells.get(nameOf(ref)))));
  }

  async flush(): Promise<(ref: NodeRef) => string> {
    const count = this.created.size === 0 ? 0 : ((await this.#counter.get(counterCell)) ?? 0);
    return this.#writeAll(count);
  }

  /** The same at once; false, and nothing is written, when something has to be waited for. */
  flushNow(): boolean {
    const count = this.created.size === 0 ? 0 : this.#counter.get(counterCell);
    if (count instanceof Promise) return false;
    this.#writeAll(count ?? 0);
    return true;
  }

  /** From here on nodes have the refs that they are stored by, and count as read. */
  #writeAll(count: number): (ref: NodeRef) => string {
    const names = new Map<NodeRef, string>();
    let next = count;
    for (const ref of this.created) names.set(ref, (next++).toString(36));
    if (next !== count) this.#counter.set(counterCell, next);
    const stored = (ref: NodeRef): string => names.get(ref) ?? String(ref);
    for (const ref of this.edited) {
      if (!this.created.has(ref) && !this.removed.has(ref)) this.#write(ref, names);
    }
    for (const ref of this.created) this.#write(ref, names);
    for (const ref of this.removed) this.#cells.set(nameOf(ref), undefined);
    for (const ref of this.removed) this.absent.add(ref);
    this.forgetChanges();
    return stored;
  }

  #write(ref: NodeRef, names: ReadonlyMap<NodeRef, string>): void {
    const node = withStoredRefs(this.get(ref), names);
    const name = names.get(ref);
    this.#cells.set(nameOf(name ?? ref), node);
    if (name !== undefined) this.nodes.delete(ref);
    this.nodes.set(name ?? ref, node);
  }

  #fetch(ref: NodeRef): Node | null {
    this.#keepAtHand(ref);
    return super.find(ref);
  }

  /** Takes up a node if the storage answers at once. */
  #keepAtHand(ref: NodeRef): void {
    if (this.nodes.has(ref) || this.absent.has(ref) || this.removed.has(ref)) return;
    const found = this.#cells.get(nameOf(ref));
    if (!(found instanceof Promise)) this.#keep(ref, found);
  }

  /** A node that cannot be read is as one that is not there. */
  #keep(ref: NodeRef, node: Node | null | undefined): void {
    if (node === undefined || node === null) this.absent.add(ref);
    else if (!this.nodes.has(ref)) this.nodes.set(ref, node);
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
