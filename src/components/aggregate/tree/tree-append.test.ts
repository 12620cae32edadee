import fc from "fast-check";
import { expect, test } from "vitest";
import { runs } from "../../../../suites/setup/property-runs.js";
import { AwaitedNodes, expectSound, item, newTree, ordersOf } from "../../../../suites/aggregate/trees.js";
import {
  appendItems,
  insertItem,
  removeItem,
  scanRange,
  settle,
  summarizeRange,
  type CountedTree,
  type Item,
} from "./index.js";
import { isLeaf, nodeSize, type NodeRef } from "./node.js";
import { NodeCache } from "./node-store.js";

const all = { start: "", end: null };

function numbered(count: number, first = 0, pad = ""): Item[] {
  return Array.from({ length: count }, (_, at) => item(first + at, `id${pad}`, (first + at) / 8));
}

const shape = fc.record({
  maxNodeSize: fc.constantFrom(4, 6, 8, 32, 64),
  rootLazy: fc.boolean(),
});

test("what is appended in any parts is a sound tree that holds it, and grows and shrinks like any other", async () => {
  await fc.assert(
    fc.asyncProperty(
      shape,
      fc.array(fc.oneof(fc.nat(12), fc.nat(400)), { maxLength: 8 }),
      fc.array(fc.record({ key: fc.nat(1500), isInsert: fc.boolean() }), { maxLength: 60 }),
      async (settings, parts, changes) => {
        const nodes = new AwaitedNodes();
        const tree = newTree(nodes, settings);
        nodes.commit();
        const items: Item[] = [];
        for (const count of parts) {
          const added = numbered(count, items.length);
          const said = await settle(nodes, () => appendItems(tree, added));
          expect(said).toEqual(await digestOfAll(added));
          items.push(...added);
          nodes.commit();
          await settle(nodes, () => expectSound(tree));
        }
        expect(await settle(nodes, () => scanRange(tree, all, "asc", Infinity))).toEqual(items);
        expect(tree.state.rootLazy).toBe(settings.rootLazy);
        const left = new Set(ordersOf(items));
        for (const { key, isInsert } of changes) {
          const one = item(key, isInsert ? "other" : "id");
          if (isInsert) await settle(nodes, () => insertItem(tree, one));
          else await settle(nodes, () => removeItem(tree, one.position.order));
          if (isInsert) left.add(one.position.order);
          else left.delete(one.position.order);
        }
        await settle(nodes, () => expectSound(tree));
        const found = await settle(nodes, () => scanRange(tree, all, "asc", Infinity));
        expect(ordersOf(found)).toEqual([...left].toSorted());
      },
    ),
    { numRuns: runs(16) },
  );
});

/** Count and digest of items, as a tree says them to which they were added one by one. */
async function digestOfAll(items: readonly Item[]): Promise<object> {
  const tree = newTree(new NodeCache(), { maxNodeSize: 32, rootLazy: false });
  for (const one of items) insertItem(tree, one);
  const { count, digest } = summarizeRange(tree, all);
  return { count, digest };
}

test("items of any size fill nodes by their weight", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(90_000), { maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      (sizes, step) => {
        const tree = newTree(new NodeCache(), { maxNodeSize: 64, rootLazy: false });
        for (let from = 0; from < sizes.length; from += step) {
          const some = sizes.slice(from, from + step);
          appendItems(
            tree,
            some.map((size, at) => item(from + at, "x".repeat(size))),
          );
          expectSound(tree);
        }
      },
    ),
    { numRuns: runs(12) },
  );
});

/** How many nodes of a level there are, and how many entries they have. */
function fillOf(tree: CountedTree, ref: NodeRef, levels: Map<number, number[]>): void {
  const node = tree.nodes.get(ref);
  levels.set(node.level, [...(levels.get(node.level) ?? []), nodeSize(node)]);
  if (!isLeaf(node)) for (const child of node.children) fillOf(tree, child.ref, levels);
}

test("nodes are packed, with some room in each, whatever the parts are", () => {
  const tree = newTree(new NodeCache(), { maxNodeSize: 32, rootLazy: false });
  for (let at = 0; at < 10_000; at += 500) appendItems(tree, numbered(500, at));
  const levels = new Map<number, number[]>();
  fillOf(tree, tree.state.root, levels);
  expect([...levels.keys()]).toHaveLength(3);
  const leaves = levels.get(0) ?? [];
  expect(leaves.length).toBeLessThan(10_000 / 27);
  expect(leaves.filter((size) => size !== 28).length).toBeLessThan(20);
});

test("what does not ascend is refused, and leaves the tree as it was", () => {
  const nodes = new NodeCache();
  const tree = newTree(nodes, { maxNodeSize: 4, rootLazy: true });
  nodes.attempt(() => appendItems(tree, numbered(50)));
  for (const wrong of [numbered(3, 49), [...numbered(2, 60), ...numbered(1, 60)]]) {
    expect(() => nodes.attempt(() => appendItems(tree, wrong))).toThrow("out of order");
    expectSound(tree);
    expect(scanRange(tree, all, "asc", Infinity)).toEqual(numbered(50));
  }
});
