/**
 * The trees of all namespaces of one generation, as one call sees them: their records, and one store with the nodes of all of them.
 * Records are loaded ahead (`load`), so that what happens to trees afterwards is synchronous, and is undone with the
 * operation it belongs to.
 */
import type { Value } from "convex/values";
import { encodeKey } from "../../../../values/index.js";
import {
  emptyLeaf,
  maxMaxNodeSize,
  minMaxNodeSize,
  type CountedTree,
  type TreeState,
} from "../../tree/index.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import type { Doc } from "../_generated/dataModel.js";
import { aggregateError } from "../interface/errors.js";
import { openNodes } from "../nodes/open.js";
import type { StoredNodes } from "../nodes/stored.js";
import { findRecord, findRecordNow, storedGeneration, successorGeneration, writeRecord } from "./records.js";
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
  /** Those of a managed aggregate count from 1. */
  readonly generation: number;
  readonly #db: DatabaseReader;
  /** What was loaded or planted, by encoded namespace. */
  readonly #trees: Map<string, StoredTree | null> = new Map();
  /** Every load that was begun, by what it loads: nothing is loaded twice. */
  readonly #loads: Map<string, Promise<readonly (Value | undefined)[]>> = new Map();
  /** The successors of trees that are being made anew. */
  #successors: Forest | null = null;

  constructor(db: DatabaseReader, generation: number = unmanaged) {
    this.#db = db;
    this.generation = generation;
    this.nodes = openNodes(db);
  }

  /** Makes the trees of namespaces known to `find`, and, where there is one to be planted, what `plant` needs. */
  async load(namespaces: readonly (Value | undefined)[], forPlanting = false): Promise<void> {
    await Promise.all(namespaces.map((namespace) => this.#loadOne(namespace)));
    if (forPlanting && namespaces.some((namespace) => this.find(namespace) === null)) {
      await this.#loadOne(undefined);
    }
    const replaced = namespaces.filter((namespace) => this.find(namespace)?.record?.hasSuccessor === true);
    if (replaced.length === 0) return;
    this.#successors ??= new Forest(this.#db, successorGeneration(this.generation));
    await this.#successors.load(replaced);
  }

  /** Loads the trees of several namespaces; those that there are, in the order of the namespaces. */
  async select(set: NamespaceSet): Promise<StoredTree[]> {
    const namespaces = Array.isArray(set)
      ? set.map(({ namespace }) => namespace)
      : [...(await this.#loadMany(set)), ...this.planted(set)];
    await this.load(namespaces);
    const keys = [...new Set(namespaces.map(keyOf))].toSorted();
    return keys.flatMap((key) => this.#trees.get(key) ?? []);
  }

  /** The tree of a loaded namespace, or null when nothing was ever written to it. */
  find(namespace: Value | undefined): StoredTree | null {
    return this.#trees.get(keyOf(namespace)) ?? null;
  }

  /** The same for a namespace that may not be loaded; undefined when it has to be waited for. */
  findNow(namespace: Value | undefined): StoredTree | null | undefined {
    const key = keyOf(namespace);
    const known = this.#trees.get(key);
    if (known !== undefined) return known;
    const record = findRecordNow(this.#db, this.generation, namespace);
    if (record === undefined) return undefined;
    this.#know(namespace, record);
    return this.#trees.get(key);
  }

  /** The tree that is to take the place of a loaded one, or null. */
  successorOf(namespace: Value | undefined): StoredTree | null {
    return this.find(namespace)?.record?.hasSuccessor === true
      ? (this.#successors?.find(namespace) ?? null)
      : null;
  }

  /** The namespaces of a set whose trees were planted by this call, and have no record yet. */
  planted(set: OpenSet): (Value | undefined)[] {
    const planted = [...this.#trees.values()].flatMap((tree) =>
      tree?.record === null ? [tree.namespace] : [],
    );
    return planted.filter((namespace) => set === "all" || startsWith(namespace, set.prefix));
  }

  /** A new tree for a namespace, in place of the one it may have; by default set up as the one without a namespace. */
  plant(namespace: Value | undefined, settings?: TreeSettings): StoredTree {
    const key = keyOf(namespace);
    const before = this.#trees.get(key) ?? null;
    const model = before ?? this.find(undefined);
    const maxNodeSize = settings?.maxNodeSize ?? model?.state.maxNodeSize ?? this.nodes.defaults.maxNodeSize;
    const rootLazy = settings?.rootLazy ?? model?.state.rootLazy ?? this.nodes.defaults.rootLazy;
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

  /** Writes everything that was changed. */
  async flush(db: DatabaseWriter): Promise<void> {
    const stored = await this.nodes.flush(db);
    for (const tree of this.#trees.values()) {
      if (tree === null) continue;
      const { root, maxNodeSize, rootLazy, measures } = tree.state;
      await writeRecord(db, this.generation, tree.namespace, tree.record, {
        root: stored(root),
        maxNodeSize,
        rootLazy,
        measures: [...measures],
      });
    }
    await this.#successors?.flush(db);
  }

  /** The same at once; false, and nothing is written, when something has to be waited for or concerns more than nodes. */
  flushNow(): boolean {
    for (const tree of this.#trees.values()) {
      if (tree !== null && (tree.record === null || changesRecord(tree.record, tree.state))) return false;
    }
    return this.nodes.flushNow();
  }

  #loadMany(set: OpenSet): Promise<readonly (Value | undefined)[]> {
    return this.#loadOnce(set === "all" ? set : `prefix ${encodeKey(set.prefix)}`, async () => {
      const prefix = set === "all" ? null : set.prefix;
      const records = this.#db.query("trees").withIndex("by_generation", (q) => {
        const all = q.eq("generation", storedGeneration(this.generation));
        return prefix === null ? all : all.gte("namespace", prefix);
      });
      const namespaces: (Value | undefined)[] = [];
      for await (const record of records) {
        // Arrays that start with a prefix stand together, the prefix itself first.
        if (prefix !== null && !startsWith(record.namespace, prefix)) break;
        namespaces.push(record.namespace);
        this.#know(record.namespace, record);
      }
      return namespaces;
    });
  }

  async #loadOne(namespace: Value | undefined): Promise<void> {
    if (this.#trees.has(keyOf(namespace))) return;
    await this.#loadOnce(`one ${keyOf(namespace)}`, async () => {
      this.#know(namespace, await findRecord(this.#db, this.generation, namespace));
      return [namespace];
    });
  }

  #loadOnce(
    what: string,
    load: () => Promise<readonly (Value | undefined)[]>,
  ): Promise<readonly (Value | undefined)[]> {
    const begun = this.#loads.get(what) ?? load();
    this.#loads.set(what, begun);
    return begun;
  }

  /** Takes a record up, unless the tree is known, and perhaps changed, already. */
  #know(namespace: Value | undefined, record: Doc<"trees"> | null): void {
    const key = keyOf(namespace);
    if (!this.#trees.has(key)) this.#trees.set(key, record === null ? null : treeOf(this.nodes, record));
  }
}

function changesRecord(record: Doc<"trees">, state: StoredTree["state"]): boolean {
  return (
    record.root !== state.root ||
    record.rootLazy !== state.rootLazy ||
    record.measures.length !== state.measures.length
  );
}

/** A tree as its record describes it. */
function treeOf(nodes: StoredNodes, record: Doc<"trees">): StoredTree {
  const { namespace, root, maxNodeSize, rootLazy, measures } = record;
  return { nodes, state: { root, maxNodeSize, rootLazy, measures }, namespace, record };
}

function startsWith(namespace: Value | undefined, prefix: readonly Value[]): boolean {
  return Array.isArray(namespace) && encodeKey(namespace.slice(0, prefix.length)) === encodeKey(prefix);
}

function keyOf(namespace: Value | undefined): string {
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
