import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AwaitedNodes, item, newTree } from "../../../../suites/aggregate/trees.js";
import {
  countParts,
  insertItem,
  itemInParts,
  rangeOf,
  scanParts,
  settle,
  type CountedTree,
  type Found,
} from "./index.js";

describe("several trees", () => {
  test("answer as one sorted list of all their items does, each within a range of its own", async () => {
    const parts = fc.array(
      fc.tuple(fc.array(fc.nat(60), { maxLength: 60, size: "max" }), fc.nat(30), fc.nat(60)),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    await fc.assert(
      fc.asyncProperty(parts, fc.nat(150), fc.boolean(), async (drawn, offset, fromEnd) => {
        const nodes = new AwaitedNodes();
        const trees = drawn.map(([keys, lower, upper]) => {
          const tree = newTree(nodes, { maxNodeSize: 4, rootLazy: true });
          const items = [...new Set(keys)].toSorted((a, b) => a - b).map((number) => item(number, "x"));
          for (const one of items) insertItem(tree, one);
          const bounds = { lower: { key: lower, inclusive: true }, upper: { key: upper, inclusive: false } };
          return { tree, range: rangeOf(bounds), bounds, items };
        });
        nodes.commit();
        const expected = trees
          .flatMap(({ tree, items, bounds }) =>
            items
              .filter(
                ({ position: { key } }) => Number(key) >= bounds.lower.key && Number(key) < bounds.upper.key,
              )
              .map((one) => ({ tree, order: one.position.order })),
          )
          .toSorted((a, b) => (a.order === b.order ? 0 : a.order < b.order ? -1 : 1));
        const placesOf = (found: readonly Found<CountedTree>[]) =>
          found.map(({ tree, item }) => ({ tree, order: item.position.order }));
        const ask = <T>(question: () => T) => settle(nodes, question);
        expect(await ask(() => countParts(trees))).toBe(expected.length);
        expect(placesOf(await ask(() => scanParts(trees, "asc", offset)))).toEqual(expected.slice(0, offset));
        expect(placesOf(await ask(() => scanParts(trees, "desc", offset)))).toEqual(
          expected.toReversed().slice(0, offset),
        );
        const found = await ask(() => itemInParts(trees, offset, fromEnd));
        const right = expected.at(fromEnd ? -1 - offset : offset);
        if ("item" in found) expect(placesOf([found])).toEqual([right]);
        else expect(found.exceededBy).toBe(offset - expected.length);
      }),
      { numRuns: 60 },
    );
  });
});
