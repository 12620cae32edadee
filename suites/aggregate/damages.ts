/** Damages an aggregate from inside in many ways, each at a node, an item or a record that a random number picks. */
import {
  isLeaf,
  Position,
  rangeOf,
  scanRange,
  settle,
  untilLoaded,
  type Branch,
  type Child,
  type Item,
  type Leaf,
  type Node,
  type NodeRef,
  type Summary,
} from "../../src/components/aggregate/tree/index.js";
import { Forest, type StoredTree } from "../../src/components/aggregate/component/forest/forest.js";
import { shownItem } from "../../src/components/aggregate/component/check/differences.js";
import type { ItemValues, Operation } from "../../src/components/aggregate/component/interface/operation.js";
import { applyOperation } from "../../src/components/aggregate/component/forest/operations.js";
import type { InsideCtx } from "./checked-host.js";

/** What names an item. */
type ItemPlace = Omit<Extract<Operation, { type: "delete" | "deleteIfExists" }>, "type">;

type Random = () => number;

/** Changes a leaf's items, or a branch's children, possibly in place. */
type LeafDamage = (items: Item[], index: number, random: Random) => void;
type BranchDamage = (children: Child[], index: number, random: Random) => void;

const leafDamages: Record<string, LeafDamage> = {
  "item dropped": (items, index) => void items.splice(index, 1),
  "item twice": (items, index) => void items.splice(index, 0, items[index] as Item),
  "key altered": (items, index, random) => {
    const { position, values } = items[index] as Item;
    items[index] = { position: new Position(Number(position.key) + random() - 0.5, position.id), values };
  },
  "key altered far": (items, index, random) => {
    const { position, values } = items[index] as Item;
    items[index] = { position: new Position(random() * 1000, position.id), values };
  },
  "id altered": (items, index) => {
    const { position, values } = items[index] as Item;
    items[index] = { position: new Position(position.key, `${position.id}x`), values };
  },
  "value altered": (items, index) => {
    const { position, values } = items[index] as Item;
    items[index] = { position, values: values.map((value) => (value === null ? null : value + 1)) };
  },
  "items exchanged": (items, index) => {
    items.splice(index, 2, ...items.slice(index, index + 2).reverse());
  },
  "leaf emptied": (items) => void items.splice(0),
};

function ofSummary(change: (summary: Summary) => Summary): BranchDamage {
  return (children, index) => {
    const child = children[index] as Child;
    if (child.summary !== null) children[index] = { ...child, summary: change(child.summary) };
  };
}

function ofMeasure(
  change: (measure: Summary["measures"][number]) => Summary["measures"][number],
): BranchDamage {
  return ofSummary((summary) => ({
    ...summary,
    measures: summary.measures.map((measure, index) => (index === 0 ? change(measure) : measure)),
  }));
}

const branchDamages: Record<string, BranchDamage> = {
  "child dropped": (children, index) => void children.splice(index, 1),
  "child twice": (children, index) => void children.splice(index, 0, children[index] as Child),
  "count altered": ofSummary((summary) => ({ ...summary, count: summary.count + 1 })),
  "digest altered": ofSummary((summary) => ({ ...summary, digest: (summary.digest ?? 0) + 1 })),
  "sum altered": ofMeasure((measure) => ({ ...measure, sum: 12.5 })),
  "min altered": ofMeasure((measure) => ({ ...measure, min: -1 })),
  "max altered": ofMeasure((measure) => ({ ...measure, max: 1e9 })),
  "low altered": (children, index) => {
    const child = children[index] as Child;
    children[index] = { ...child, low: new Position(Number(child.low.key) + 0.25, child.low.id) };
  },
  "children exchanged": (children, index) => {
    children.splice(index, 2, ...children.slice(index, index + 2).reverse());
  },
  "child of another name": (children, index) => {
    const other = children[(index + 1) % children.length] as Child;
    children[index] = { ...(children[index] as Child), ref: other.ref };
  },
};

/** Does what a forgotten or wrong write does: it leaves sound trees that differ from the table. */
const drifts: Record<string, (found: ItemPlace & ItemValues, random: Random) => Operation[]> = {
  "item deleted": (found) => [{ type: "deleteIfExists", ...placeOf(found) }],
  "item at another key": (found, random) => [
    { type: "deleteIfExists", ...placeOf(found) },
    { type: "put", ...found, key: Math.floor(random() * 100) + 0.5 },
  ],
  "item in another namespace": (found, random) => [
    { type: "deleteIfExists", ...placeOf(found) },
    { type: "put", ...found, namespace: `game ${Math.floor(random() * 6)}` },
  ],
  "item with another sum": (found, random) => [{ type: "put", ...found, sumValue: random() }],
  "item with another number": (found) => [{ type: "put", ...found, sumValues: { other: 1 } }],
  "item at another key too": (found, random) => [
    { type: "put", ...found, key: Math.floor(random() * 100) + 0.5 },
  ],
  "item in another namespace too": (found, random) => [
    { type: "put", ...found, namespace: `game ${Math.floor(random() * 6)}` },
  ],
  "item nobody has": (found, random) => [{ type: "put", ...found, id: `nobody ${random()}` }],
};

/** Damages that leave every tree sound. */
export const driftNames: readonly string[] = Object.keys(drifts);

/** Damages that mostly leave a tree unsound. */
export const damageNames: readonly string[] = [
  ...Object.keys(leafDamages),
  ...Object.keys(branchDamages),
  "node lost",
  "node of another tree",
  "root of another tree",
];

/** Damages a generation of the aggregate in one way, wherever it can be damaged so, at random. */
export async function damage(ctx: InsideCtx, name: string, random: Random, generation = 0): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (await tryDamage(ctx, name, random, generation)) return;
  }
}

const attempts = 20;

/** Damages a random tree at a random place; false when it cannot be damaged so there. */
async function tryDamage(ctx: InsideCtx, name: string, random: Random, generation: number): Promise<boolean> {
  const forest = new Forest(ctx.db, generation);
  const trees = await untilLoaded(() => forest.select("all"));
  const tree = pick(trees, random);
  const other = pick(trees, random);
  if (tree === undefined || other === undefined) return false;
  const drift = drifts[name];
  if (drift !== undefined) return driftAway(ctx, tree, drift, random);
  if (name === "root of another tree") {
    if (tree === other || tree.record === null) return false;
    await ctx.db.patch("trees", tree.record._id, { root: String(other.state.root) });
    return true;
  }
  const [leaves, branches] = [await nodesOf(tree, true), await nodesOf(tree, false)];
  const done = damageNode(
    name,
    random,
    tree,
    { leaves, branches, others: await nodesOf(other, true) },
    other,
  );
  await forest.flush(ctx.db);
  return done;
}

async function driftAway(
  ctx: InsideCtx,
  tree: StoredTree,
  drift: (found: ItemPlace & ItemValues, random: Random) => Operation[],
  random: Random,
): Promise<boolean> {
  const items = await settle(tree.nodes, () => scanRange(tree, rangeOf(undefined), "asc", 1000));
  const item = pick(items, random);
  if (item === undefined) return false;
  const { id, ...shown } = { id: item.position.id, ...shownItem({ tree, item }) };
  const forest = new Forest(ctx.db, tree.record?.generation);
  for (const operation of drift({ id, ...shown }, random)) await applyOperation(forest, operation);
  await forest.flush(ctx.db);
  return true;
}

function placeOf({ key, id, namespace }: ItemPlace): ItemPlace {
  return { key, id, ...(namespace === undefined ? {} : { namespace }) };
}

function damageNode(
  name: string,
  random: Random,
  tree: StoredTree,
  refs: { leaves: NodeRef[]; branches: NodeRef[]; others: NodeRef[] },
  other: StoredTree,
): boolean {
  const { nodes } = tree;
  const leafDamage = leafDamages[name];
  const isOfLeaf = leafDamage !== undefined;
  const ref = pick(isOfLeaf ? refs.leaves : refs.branches, random);
  if (ref === undefined) return false;
  if (isOfLeaf) {
    const { items } = nodes.edit(ref) as Leaf;
    if (items.length === 0) return false;
    leafDamage(items, Math.floor(random() * items.length), random);
    return true;
  }
  const { children, level } = nodes.edit(ref) as Branch;
  const index = Math.floor(random() * children.length);
  const child = children[index] as Child;
  if (name === "node lost") nodes.remove(child.ref);
  else if (name === "node of another tree") {
    const stranger = pick(refs.others, random);
    // The node is of the same level, so that no search goes in circles.
    if (level !== 1 || stranger === undefined || tree === other) return false;
    children[index] = { ...child, ref: stranger };
  } else branchDamages[name]?.(children, index, random);
  return true;
}

/** The leaves, or the branches, of a tree, as far as they can be reached. */
async function nodesOf(tree: StoredTree, wantsLeaves: boolean): Promise<NodeRef[]> {
  const found: NodeRef[] = [];
  const walk = async (ref: NodeRef): Promise<void> => {
    const node: Node | null = await settle(tree.nodes, () => tree.nodes.find(ref));
    if (node === null || found.length > 1000) return;
    if (isLeaf(node) === wantsLeaves) found.push(ref);
    if (!isLeaf(node)) for (const child of node.children) await walk(child.ref);
  };
  await walk(tree.state.root);
  return found;
}

function pick<T>(all: readonly T[], random: Random): T | undefined {
  return all[Math.floor(random() * all.length)];
}
