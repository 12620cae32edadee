/**
 * The trees of all namespaces of one generation, as one call sees them: their records, and one store with all of their nodes.
 * A method that needs something which is not at hand throws `Missing`, and runs again when that is loaded (`tree/missing.ts`).
 * Trees are changed in memory, and the changes are undone with the operation that made them; `flush` writes them.
 */
import type { Value } from "convex/values";
import { encodeKey } from "../../../../values/index.js";
import {
  afterwards,
  askEach,
  emptyLeaf,
  maxMaxNodeSize,
  minMaxNodeSize,
  untilLoaded,
  type CountedTree,
  type Soon,
  type TreeState,
} from "../../tree/index.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import type { Doc } from "../_generated/dataModel.js";
import { aggregateError } from "../interface/errors.js";
import { Readings } from "../reading/readings.js";
import { CellNodes } from "../nodes/cells.js";
import { DocumentNodes } from "../nodes/documents.js";
import type { StoredNodes } from "../nodes/stored.js";
import { findRecord, storedGeneration, successorGeneration, writeRecord } from "./records.js";
import type { NamespaceSet } from "../interface/question.js";

/** The name of the measure that `sumValue` is. */
export const plainMeasure = "";

/** The generation of an aggregate that nobody manages. */
export const unmanaged = 0;

/** How a tree is set up; what is left out, or undefined, stays as it is. */
export interface TreeSettings {
  readonly maxNodeSize?: number | undefined;
  readonly rootLazy?: boolean | undefined;
}

/** The sets of namespaces that are not lists. */
type OpenSet = Exclude<NamespaceSet, readonly unknown[]>;

/** A tree with its record. */
export interface StoredTree extends CountedTree {
  readonly nodes: StoredNodes;
  /** `measures` names the items' values. */
  readonly state: TreeState & { measures: readonly string[] };
  readonly namespace: Value | undefined;
  /** Null while the tree is new. */
  readonly record: Doc<"trees"> | null;
}

export class Forest {
  readonly nodes: StoredNodes;
  /** The generations of a managed aggregate count from 1. */
  readonly generation: number;
  readonly #readings: Readings;
  /** The trees that were found or planted, by encoded namespace. */
  readonly #trees: Map<string, StoredTree | null> = new Map();
  /** The successors of trees that are being rebuilt. */
  #successors: Forest | null = null;

  /**
   * @param readings What the call has read already, if the forest is to share it.
   * @param isBulk Many leaves are written that nobody is about to read.
   */
  constructor(
    db: DatabaseReader,
    generation: number = unmanaged,
    readings: Readings = new Readings(db),
    isBulk = false,
  ) {
    this.#readings = readings;
    this.generation = generation;
    const { native } = readings;
    this.nodes = native === null ? new DocumentNodes(db) : new CellNodes(readings, native, isBulk);
  }

  /** Loads the trees of namespaces, and with `forPlanting` also what `plant` needs. */
  async load(namespaces: readonly (Value | undefined)[], forPlanting = false): Promise<void> {
    await untilLoaded(() => {
      const trees = askEach(namespaces, (namespace) => {
        this.successorOf(namespace);
        return this.find(namespace);
      });
      if (forPlanting && trees.includes(null)) this.find(undefined);
    });
  }

  /** Those trees of several namespaces that exist, in the order of the namespaces. @throws Missing */
  select(set: NamespaceSet): StoredTree[] {
    const namespaces = Array.isArray(set)
      ? set.map(({ namespace }) => namespace)
      : [...this.#listed(set), ...this.planted(set)];
    askEach(namespaces, (namespace) => this.find(namespace));
    const keys = [...new Set(namespaces.map(namespaceKey))].toSorted();
    return keys.flatMap((key) => this.#trees.get(key) ?? []);
  }

  /** The tree of a namespace, or null when nothing was ever written to it. @throws Missing */
  find(namespace: Value | undefined): StoredTree | null {
    const key = namespaceKey(namespace);
    const known = this.#trees.get(key);
    if (known !== undefined) return known;
    const record = findRecord(this.#readings, this.generation, namespace);
    const tree = record === null ? null : treeOf(this.nodes, record);
    this.#trees.set(key, tree);
    return tree;
  }

  /** The tree that is being built to replace that of a namespace; null when there is none. @throws Missing */
  successorOf(namespace: Value | undefined): StoredTree | null {
    if (this.find(namespace)?.record?.hasSuccessor !== true) return null;
    const { db } = this.#readings;
    this.#successors ??= new Forest(db, successorGeneration(this.generation), this.#readings);
    return this.#successors.find(namespace);
  }

  /** The namespaces of a set whose trees this call has planted, and which have no record yet. */
  planted(set: OpenSet): (Value | undefined)[] {
    const planted = [...this.#trees.values()].flatMap((tree) =>
      tree?.record === null ? [tree.namespace] : [],
    );
    return planted.filter((namespace) => set === "all" || startsWith(namespace, set.prefix));
  }

  /**
   * Makes a new tree for a namespace, in place of the one that it may have. Settings that are left out are those of the tree
   * before, else those of the tree without a namespace.
   * @throws Missing, INVALID_NODE_SIZE
   */
  plant(namespace: Value | undefined, settings: TreeSettings = {}): StoredTree {
    const key = namespaceKey(namespace);
    const before = this.#trees.get(key) ?? null;
    const { maxNodeSize, rootLazy } = this.#settingsOf(before, settings);
    checkNodeSize(maxNodeSize);
    const root = this.nodes.create(emptyLeaf());
    const tree: StoredTree = {
      nodes: this.nodes,
      state: { root, maxNodeSize, rootLazy, measures: [] },
      namespace,
      record: before?.record ?? null,
    };
    this.#trees.set(key, tree);
    this.nodes.onRollback(() => this.#trees.set(key, before));
    return tree;
  }

  /**
   * Writes everything that was changed: records first, then nodes. It is done in the same turn where nodes are cells and no
   * record changes.
   */
  flush(db: DatabaseWriter): Soon<void> {
    const forests = this.#successors === null ? [this] : [this, this.#successors];
    let written: Soon<void> = undefined;
    for (const forest of forests) written = afterwards(written, () => forest.#writeRecords(db));
    for (const forest of forests) written = afterwards(written, () => forest.nodes.write(db));
    return written;
  }

  #writeRecords(db: DatabaseWriter): Soon<void> {
    const placed = this.#readings.run(() => this.nodes.place(db));
    return afterwards(placed, (stored) => {
      let written: Soon<void> = undefined;
      for (const tree of this.#trees.values()) {
        if (tree === null || !isChanged(tree)) continue;
        const { root, maxNodeSize, rootLazy, measures } = tree.state;
        const fields = { root: stored(root), maxNodeSize, rootLazy, measures: [...measures] };
        const write = () => writeRecord(db, this.generation, tree.namespace, tree.record, fields);
        written = afterwards(written, write);
      }
      return written;
    });
  }

  #settingsOf(
    before: StoredTree | null,
    { maxNodeSize, rootLazy }: TreeSettings,
  ): { maxNodeSize: number; rootLazy: boolean } {
    if (maxNodeSize !== undefined && rootLazy !== undefined) return { maxNodeSize, rootLazy };
    const model = (before ?? this.find(undefined))?.state ?? this.nodes.defaults;
    return { maxNodeSize: maxNodeSize ?? model.maxNodeSize, rootLazy: rootLazy ?? model.rootLazy };
  }

  /** The namespaces of a set that have records. @throws Missing */
  #listed(set: OpenSet): readonly (Value | undefined)[] {
    const prefix = set === "all" ? null : set.prefix;
    const name = `namespaces ${this.generation} ${prefix === null ? "" : encodeKey(prefix)}`;
    return this.#readings.read(name, async () => {
      const records = this.#readings.db.query("trees").withIndex("by_generation", (q) => {
        const all = q.eq("generation", storedGeneration(this.generation));
        return prefix === null ? all : all.gte("namespace", prefix);
      });
      const namespaces: (Value | undefined)[] = [];
      for await (const record of records) {
        // Arrays that start with a prefix stand together, the prefix itself first.
        if (prefix !== null && !startsWith(record.namespace, prefix)) break;
        namespaces.push(record.namespace);
        const key = namespaceKey(record.namespace);
        // A tree that is known may have been changed already.
        if (!this.#trees.has(key)) this.#trees.set(key, treeOf(this.nodes, record));
      }
      return namespaces;
    });
  }
}

/** Whether the record of a tree has to be written. */
function isChanged({ record, state }: StoredTree): boolean {
  return (
    record === null ||
    record.root !== state.root ||
    record.maxNodeSize !== state.maxNodeSize ||
    record.rootLazy !== state.rootLazy ||
    record.measures.length !== state.measures.length
  );
}

/** The trees of a generation, which all that is asked of the same readings shares. */
export function forestOf(readings: Readings, generation: number): Forest {
  return readings.take(`forest ${generation}`, () => new Forest(readings.db, generation, readings));
}

/** A tree as its record describes it. */
function treeOf(nodes: StoredNodes, record: Doc<"trees">): StoredTree {
  const { namespace, root, maxNodeSize, rootLazy, measures } = record;
  return { nodes, state: { root, maxNodeSize, rootLazy, measures }, namespace, record };
}

function startsWith(namespace: Value | undefined, prefix: readonly Value[]): boolean {
  return Array.isArray(namespace) && encodeKey(namespace.slice(0, prefix.length)) === encodeKey(prefix);
}

/** Names a namespace, and sorts it among others. */
export function namespaceKey(namespace: Value | undefined): string {
  return encodeKey([namespace]);
}

function checkNodeSize(maxNodeSize: number): void {
  const isValid =
    Number.isInteger(maxNodeSize / 2) && maxNodeSize >= minMaxNodeSize && maxNodeSize <= maxMaxNodeSize;
  if (!isValid) {
    const range = `from ${minMaxNodeSize} to ${maxMaxNodeSize}`;
    throw aggregateError("INVALID_NODE_SIZE", `maxNodeSize must be even and at least 4: ${range}`);
  }
}
