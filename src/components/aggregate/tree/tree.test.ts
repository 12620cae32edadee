/** Compares the tree, on nodes in memory and on nodes that must be awaited, with a sorted list after every step. */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { float64, value as anyValue } from "../../../../suites/arbitraries/values.js";
import {
  checkTree,
  countRange,
  findItem,
  insertItem,
  isLeaf,
  itemAtOffset,
  makeRootLazy,
  NodeCache,
  Position,
  putItem,
  rangeOf,
  removeItem,
  scanRange,
  settle,
  summarizeRange,
  type CountedTree,
  type Item,
  type KeyBounds,
  type NodeRef,
  type OrderRange,
} from "./index.js";
import { AwaitedNodes, expectSound, item, newTree, ordersOf } from "../../../../suites/aggregate/trees.js";
import { childIndex, type Leaf } from "./node.js";
import { equalSummaries, SummaryFold, summaryOf } from "./summary.js";

/** A range that begins or ends exactly at an item, or just beyond it. */
function boundsAt(items: readonly Item[], pick: number): KeyBounds {
  const side = (index: number, inclusive: boolean) => {
    const { key, id } = (items[index % items.length] as Item).position;
    return { key, id, inclusive };
  };
  if (items.length === 0) return {};
  return {
    lower: side(pick, pick % 2 === 0),
    ...(pick % 3 > 0 ? { upper: side(pick >> 3, pick % 5 > 2) } : {}),
  };
}

/** The same questions, asked of a sorted list. */
class ListModel {
  #items: Item[] = [];

  insert(added: Item): boolean {
    if (this.find(added.position.order) !== undefined) return false;
    this.#items.push(added);
    this.#items.sort((a, b) => (a.position.order < b.position.order ? -1 : 1));
    return true;
  }

  remove(order: string): Item | null {
    const found = this.find(order);
    this.#items = this.#items.filter((candidate) => candidate !== found);
    return found ?? null;
  }

  put(added: Item): Item | null {
    const before = this.remove(added.position.order);
    this.insert(added);
    return before;
  }

  find(order: string): Item | undefined {
    return this.#items.find((candidate) => candidate.position.order === order);
  }

  within({ start, end }: OrderRange): Item[] {
    return this.#items.filter(({ position: { order } }) => order >= start && (end === null || order < end));
  }
}

function expectSameAnswers(tree: CountedTree, model: ListModel, range: OrderRange, offset: number): void {
  const items = model.within(range);
  expect(countRange(tree, range)).toBe(items.length);
  const fold = new SummaryFold();
  for (const one of items) fold.add(summaryOf(one));
  expect(equalSummaries(summarizeRange(tree, range), fold.result())).toBe(true);
  for (const fromEnd of [false, true]) {
    const found = itemAtOffset(tree, range, offset, fromEnd);
    const expected = items.at(fromEnd ? -1 - offset : offset);
    if ("item" in found) expect(found.item.position.order).toBe(expected?.position.order);
    else expect(found.exceededBy).toBe(offset - items.length);
  }
  expect(ordersOf(scanRange(tree, range, "asc", offset))).toEqual(ordersOf(items.slice(0, offset)));
  expect(ordersOf(scanRange(tree, range, "desc", offset))).toEqual(
    ordersOf(items.toReversed().slice(0, offset)),
  );
}

const shape = fc.record({ maxNodeSize: fc.constantFrom(4, 6, 16), rootLazy: fc.boolean() });
const key = fc.oneof(
  fc.integer({ min: 0, max: 30 }),
  fc.tuple(fc.integer({ min: 0, max: 5 }), anyValue),
  anyValue,
);
const id = fc.constantFrom("a", "b", "c", "\u{1f600}");
const someItem = fc
  .tuple(key, id, fc.array(fc.option(float64), { maxLength: 2 }))
  .map(([k, i, v]) => item(k, i, ...v));
const bounds: fc.Arbitrary<KeyBounds | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.record({ eq: key }),
  fc.record({ prefix: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 2 }) }),
  fc.record(
    {
      lower: fc.record({ key, id, inclusive: fc.boolean() }, { requiredKeys: ["key"] }),
      upper: fc.record({ key, id, inclusive: fc.boolean() }, { requiredKeys: ["key"] }),
    },
    { requiredKeys: [] },
  ),
);
const step = fc.record({
  kind: fc.constantFrom("insert", "insert", "insert", "put", "remove"),
  item: someItem,
  // Most removals, and half of the ranges, name something that is there.
  pick: fc.nat(),
  bounds: fc.option(bounds),
  offset: fc.nat(12),
});

describe("a counted tree", () => {
  test("answers as a sorted list does, and is sound, after every step of any history", () => {
    fc.assert(
      fc.property(shape, fc.array(step, { maxLength: 100, size: "max" }), (shape, steps) => {
        const tree = newTree(new NodeCache(), shape);
        const model = new ListModel();
        for (const { kind, item: one, pick, bounds, offset } of steps) {
          const everything = model.within(rangeOf(undefined));
          const target = everything.length === 0 ? one : (everything[pick % everything.length] as Item);
          if (kind === "insert") expect(insertItem(tree, one)).toBe(model.insert(one));
          else if (kind === "put") expect(putItem(tree, one)).toEqual(model.put(one));
          else expect(removeItem(tree, target.position.order)).toEqual(model.remove(target.position.order));
          expectSound(tree);
          const range = rangeOf(bounds ?? boundsAt(everything, pick));
          expectSameAnswers(tree, model, range, offset);
          expect(findItem(tree, one.position.order)).toEqual(model.find(one.position.order) ?? null);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("grows by hundreds and shrinks to nothing in any order, sound at every size", () => {
    fc.assert(
      fc.property(shape, fc.boolean(), fc.infiniteStream(fc.nat()), (shape, ascending, picks) => {
        const tree = newTree(new NodeCache(), shape);
        const items = Array.from({ length: 400 }, (_, index) =>
          item(ascending ? index : (index * 7919) % 4001, "x", index),
        );
        for (const one of items) insertItem(tree, one);
        expectSound(tree);
        while (items.length > 0) {
          const [one] = items.splice((picks.next().value as number) % items.length, 1) as [Item];
          removeItem(tree, one.position.order);
          if (items.length % 10 === 0) expectSound(tree);
        }
        expect(countRange(tree, rangeOf(undefined))).toBe(0);
      }),
      { numRuns: 10 },
    );
  });

  test("does the same on nodes that must be awaited, and an operation that fails has changed nothing", async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.array(step, { maxLength: 40, size: "max" }), async (shape, steps) => {
        const awaited = newTree(new AwaitedNodes(), shape);
        const direct = newTree(new NodeCache(), shape);
        for (const tree of [awaited, direct]) {
          for (let index = 0; index < 60; index++) insertItem(tree, item(index, "x"));
        }
        awaited.nodes.commit();
        for (const { kind, item: one, pick, bounds, offset } of steps) {
          const change = (tree: CountedTree) => {
            if (kind === "insert") insertItem(tree, one);
            else if (kind === "put") putItem(tree, one);
            else removeItem(tree, new Position(pick % 60, "x").order);
          };
          change(direct);
          await settle(awaited.nodes, () => change(awaited));
          const failing = settle(awaited.nodes, () => {
            putItem(awaited, item("later", "x"));
            for (let index = 0; index < 20; index++) {
              removeItem(awaited, new Position(pick % (40 + index), "x").order);
            }
            throw new Error("failed");
          });
          await expect(failing).rejects.toThrow("failed");
          if (offset % 2 === 0) awaited.nodes.commit();
          const range = rangeOf(bounds ?? undefined);
          const seen = await settle(awaited.nodes, () => ordersOf(scanRange(awaited, range, "asc", offset)));
          expect(seen).toEqual(ordersOf(scanRange(direct, range, "asc", offset)));
          await settle(awaited.nodes, () => expectSound(awaited));
          const summary = await settle(awaited.nodes, () => summarizeRange(awaited, range));
          expect(equalSummaries(summary, summarizeRange(direct, range))).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe("the shape of a tree", () => {
  test("ascending keys leave nodes three quarters full", () => {
    const tree = newTree(new NodeCache(), { maxNodeSize: 16, rootLazy: true });
    for (let index = 0; index < 5000; index++) insertItem(tree, item(index, "x"));
    const { nodes, items } = checkTree(tree, "", Infinity);
    expect(items / nodes).toBeGreaterThan(10.5);
  });

  test("below a lazy root, changes far apart write no node in common", async () => {
    const tree = newTree(new AwaitedNodes(), { maxNodeSize: 4, rootLazy: true });
    for (let index = 0; index < 20; index++) {
      await settle(tree.nodes, () => insertItem(tree, item(index, "x")));
      tree.nodes.commit();
    }
    const rootOf = async () =>
      JSON.stringify(await settle(tree.nodes, () => tree.nodes.get(tree.state.root)));
    const before = await rootOf();
    await settle(tree.nodes, () => removeItem(tree, new Position(19, "x").order));
    tree.nodes.commit();
    expect(await rootOf()).toBe(before);
  });

  test("a root made lazy forgets what it knew, and answers the same", () => {
    const tree = newTree(new NodeCache(), { maxNodeSize: 4, rootLazy: false });
    for (let index = 0; index < 100; index++) insertItem(tree, item(index, "x", index));
    makeRootLazy(tree);
    expectSound(tree);
    expect(countRange(tree, rangeOf({ lower: { key: 40, inclusive: true } }))).toBe(60);
  });

  test("large keys split nodes by size before they are full by number", () => {
    const tree = newTree(new NodeCache(), { maxNodeSize: 16, rootLazy: true });
    for (let index = 0; index < 60; index++) {
      insertItem(tree, item(String.fromCharCode(97 + (index % 26)).repeat(80_000) + index, "x"));
      expectSound(tree);
    }
    for (let index = 0; index < 60; index++) {
      removeItem(
        tree,
        new Position(String.fromCharCode(97 + (index % 26)).repeat(80_000) + index, "x").order,
      );
      expectSound(tree);
    }
  });
});

describe("the structural check", () => {
  /** A tree of three levels, and every way in which one of its nodes can be wrong. */
  function damagedTree(damage: (tree: CountedTree, leafRef: NodeRef) => void): string[] {
    const tree = newTree(new NodeCache(), { maxNodeSize: 4, rootLazy: false });
    for (let index = 0; index < 40; index++) insertItem(tree, item(index, "x", index));
    let ref = tree.state.root;
    for (let node = tree.nodes.get(ref); !isLeaf(node); node = tree.nodes.get(ref)) {
      ref = node.children[1]?.ref ?? "";
    }
    damage(tree, ref);
    return checkTree(tree, "", Infinity).problems.map(({ kind }) => kind);
  }

  const damages: Record<string, (items: Item[]) => Item[]> = {
    "an item dropped": (items) => items.slice(1),
    "an item twice": (items) => [items[0] as Item, ...items],
    "a key altered": (items) => [item(0.5, "x", 1), ...items.slice(1)],
    "an id altered": (items) => [item(items[0]?.position.key ?? 0, "y", 1), ...items.slice(1)],
    "a value altered": (items) => [{ ...(items[0] as Item), values: [-1] }, ...items.slice(1)],
    "two items exchanged": (items) => [items[1] as Item, items[0] as Item, ...items.slice(2)],
  };
  test.each(Object.entries(damages))("finds %s", (_name, damage) => {
    const problems = damagedTree((tree, ref) => {
      const leaf = tree.nodes.edit(ref);
      if (isLeaf(leaf)) leaf.items = damage(leaf.items);
    });
    expect(problems).not.toEqual([]);
  });

  test("an item twice stays in one leaf whatever is written around it, so that a write to it meets both", () => {
    fc.assert(
      fc.property(fc.nat(39), fc.array(fc.double({ min: 0, max: 40, noNaN: true })), (twice, others) => {
        const tree = newTree(new NodeCache(), { maxNodeSize: 4, rootLazy: false });
        for (let index = 0; index < 40; index++) insertItem(tree, item(index, "x", index));
        const { order } = item(twice, "x").position;
        let ref = tree.state.root;
        for (let node = tree.nodes.get(ref); !isLeaf(node); node = tree.nodes.get(ref)) {
          ref = node.children[childIndex(node, order)]?.ref ?? "";
        }
        const leaf = tree.nodes.edit(ref) as Leaf;
        const at = leaf.items.findIndex(({ position }) => position.order === order);
        leaf.items.splice(at, 0, leaf.items[at] as Item);
        for (const key of others) insertItem(tree, item(key, "y"));
        const onMisfit = vi.fn<() => void>();
        removeItem(tree, order, onMisfit);
        expect(onMisfit).toHaveBeenCalled();
      }),
    );
  });

  test("finds a missing node", () => {
    const nodes = new AwaitedNodes();
    const tree: CountedTree = { nodes, state: { root: "gone", maxNodeSize: 4, rootLazy: true } };
    return settle(nodes, () => {
      expect(checkTree(tree, "", Infinity).problems).toMatchObject([{ kind: "missingNode", node: "gone" }]);
    });
  });

  test("can be made in parts, which together visit every node once", () => {
    const tree = newTree(new NodeCache(), { maxNodeSize: 4, rootLazy: true });
    for (let index = 0; index < 200; index++) insertItem(tree, item(index, "x"));
    const whole = checkTree(tree, "", Infinity);
    let items = 0;
    let nodes = 0;
    let parts = 0;
    for (let from: string | null = ""; from !== null; parts++) {
      const report = checkTree(tree, from, 3);
      items += report.items;
      nodes += report.nodes;
      from = report.next;
    }
    expect({ items, nodes }).toEqual({ items: whole.items, nodes: whole.nodes });
    expect(parts).toBeGreaterThan(10);
  });
});

test("an item that is put as it stands is not written again", async () => {
  const nodes = new AwaitedNodes();
  const tree = newTree(nodes, { maxNodeSize: 4, rootLazy: false });
  for (let key = 0; key < 50; key++) putItem(tree, item(key, "a", key, null, 1));
  nodes.commit();
  await settle(nodes, () => putItem(tree, item(7, "a", 7, null, 1)));
  expect(nodes.commit()).toBe(0);
  await settle(nodes, () => putItem(tree, item(7, "a", 7, 0, 1)));
  expect(nodes.commit()).toBeGreaterThan(0);
  await settle(nodes, () => putItem(tree, item(7, "a", 7, -0, 1)));
  expect(nodes.commit()).toBeGreaterThan(0);
});
