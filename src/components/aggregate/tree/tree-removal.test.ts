import fc from "fast-check";
import { expect, test } from "vitest";
import { AwaitedNodes, item, newTree } from "../../../../suites/aggregate/trees.js";
import { isLeaf } from "./node.js";
import { settle } from "./node-store.js";
import { removeSome } from "./tree-removal.js";
import { insertItem } from "./tree-write.js";

async function grown(size: number) {
  const nodes = new AwaitedNodes();
  const tree = newTree(nodes, { maxNodeSize: 4, rootLazy: false });
  for (let key = 0; key < size; key++) insertItem(tree, item((key * 7) % 1009, `${key}`));
  const written = nodes.commit();
  return { nodes, root: tree.state.root, written };
}

test("takes a tree down in parts of any size, each node once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(300), fc.integer({ min: 1, max: 60 }), async (size, most) => {
      const { nodes, root, written } = await grown(size);
      let removed = 0;
      for (let isGone = false; !isGone;) {
        const part = await settle(nodes, () => removeSome(nodes, root, most));
        expect(part.removed).toBeGreaterThan(0);
        removed += part.removed;
        ({ isGone } = part);
        nodes.commit();
      }
      expect(removed).toBe(written);
      expect(await settle(nodes, () => nodes.find(root))).toBeNull();
    }),
  );
});

test("passes over what is missing, and does not follow a branch back to where it came from", async () => {
  const { nodes, root } = await grown(200);
  const branch = await settle(nodes, () => nodes.edit(root));
  if (isLeaf(branch)) throw new Error("the tree is too small");
  const [first, second] = branch.children;
  if (first === undefined || second === undefined) throw new Error("the tree is too small");
  branch.children = [{ ...first, ref: root }, { ...second, ref: "nowhere" }, ...branch.children.slice(2)];
  expect(await settle(nodes, () => removeSome(nodes, root, 1000))).toMatchObject({ isGone: true });
});
