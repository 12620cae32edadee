/**
 * The node store on Trueup's cells. Nodes are read as the cache holds them, decoded, and are encoded only when the transaction
 * commits. Where transactions take turns, a cell of its own counts the refs of nodes. Where they may conflict, all that make a
 * node would meet there, so refs are drawn at random, and are longer than any count.
 */
import type { CellCodec, CellWriter, NativeStore } from "../../../../seams/index.js";
import { isLeaf, newBranch, NodeCache, type Child, type Node, type NodeRef } from "../../tree/index.js";
import type { Readings } from "../reading/readings.js";
import { nodeCodec } from "./codec.js";
import { fieldsOf, type NodeFields } from "./fields.js";
import type { StoredNodes } from "./stored.js";

const counterCodec: CellCodec<number> = { encode: String, decode: Number };
/** The names of nodes' cells start with this; that of the counter does not. */
const nodeCells = "n";
const counterCell = "count";

const noNames: ReadonlyMap<NodeRef, string> = new Map();

export class CellNodes extends NodeCache implements StoredNodes {
  /**
   * Where writers take turns a lazy root gains nothing, and where only the worker writes it neither; direct writes that may
   * conflict make it lazy (`writes.ts`). The size is the best one measured.
   */
  readonly defaults = { maxNodeSize: 32, rootLazy: false };
  readonly removedAtOnce = 128;
  /** Cells count towards no limit on documents. */
  readonly usage = { read: 0, written: 0 };
  readonly #cells: CellWriter<Node | null>;
  readonly #readings: Readings;
  /** The names of created nodes, from `place` until they are written. */
  #names: ReadonlyMap<NodeRef, string> = noNames;

  readonly #isBulk: boolean;
  readonly #hasConflicts: boolean;

  /** @param isBulk Many leaves are written that nobody is about to read. */
  constructor(readings: Readings, native: NativeStore, isBulk = false) {
    super();
    this.#readings = readings;
    this.#isBulk = isBulk;
    this.#hasConflicts = native.hasConflicts;
    this.#cells = native.cells(nodeCodec);
  }

  async list(take: number): Promise<NodeFields[]> {
    const names = await this.#cells.names(nodeCells, take);
    const nodes = await Promise.all(names.map(async (name) => await this.#cells.get(name)));
    return nodes.flatMap((node) => (node ? [fieldsOf(node, String)] : []));
  }

  override async load(refs: readonly NodeRef[]): Promise<void> {
    await Promise.all(
      refs.map(async (ref) => this.keep(ref, (await this.#cells.get(nodeCells + ref)) ?? null)),
    );
  }

  /** A node that cannot be decoded counts as missing. */
  protected override fetch(ref: NodeRef): Node | null | undefined {
    const found = this.#cells.get(nodeCells + ref);
    return found instanceof Promise ? undefined : (found ?? null);
  }

  /** @throws Missing */
  place(): (ref: NodeRef) => string {
    const { created } = this;
    if (created.size === 0) return String;
    const names = new Map<NodeRef, string>();
    if (this.#hasConflicts) for (const ref of created) names.set(ref, randomName());
    else this.#count(created, names);
    this.#names = names;
    return (ref) => names.get(ref) ?? String(ref);
  }

  #count(created: ReadonlySet<NodeRef>, names: Map<NodeRef, string>): void {
    let next = this.#readings.cell(counterCodec, counterCell) ?? 0;
    for (const ref of created) names.set(ref, (next++).toString(36));
    this.#readings.setCell(counterCodec, counterCell, next);
  }

  /** After this, nodes have the refs that they are stored by, and count as read. */
  write(): void {
    for (const ref of this.edited) {
      if (!this.created.has(ref) && !this.removed.has(ref)) this.#writeNode(ref);
    }
    for (const ref of this.created) this.#writeNode(ref);
    for (const ref of this.removed) {
      this.#cells.set(nodeCells + ref, undefined);
      this.absent.add(ref);
    }
    this.#names = noNames;
    this.forgetChanges();
  }

  #writeNode(ref: NodeRef): void {
    const node = withStoredRefs(this.get(ref), this.#names);
    const name = this.#names.get(ref);
    this.#cells[this.#isBulk && isLeaf(node) ? "store" : "set"](nodeCells + (name ?? ref), node);
    if (name !== undefined) this.nodes.delete(ref);
    this.nodes.set(name ?? ref, node);
  }
}

/** 16 digits of base 36: two of 10^9 nodes get the same one with a chance of 10^-7. */
function randomName(): string {
  return randomDigits() + randomDigits();
}

function randomDigits(): string {
  return Math.floor(Math.random() * 36 ** 8)
    .toString(36)
    .padStart(8, "0");
}

/**
 * Gives new children the refs that they are stored by. Other children stay the same objects, with what the codec remembers of
 * them.
 */
function withStoredRefs(node: Node, names: ReadonlyMap<NodeRef, string>): Node {
  if (names.size === 0 || isLeaf(node) || !node.children.some(({ ref }) => names.has(ref))) return node;
  const children = node.children.map((child): Child => {
    const name = names.get(child.ref);
    return name === undefined ? child : { ...child, ref: name };
  });
  return newBranch(node.level, children, node.memo);
}
