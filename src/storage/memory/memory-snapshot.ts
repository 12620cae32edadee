/** A view of the tree as of one commit. It costs memory only for what changed since; `release` ends its use. */
import type { StorageSnapshot, Version } from "../storage.js";
import { TreeReader } from "./tree-reader.js";
import type { Tree } from "./tree.js";

export class MemorySnapshot extends TreeReader implements StorageSnapshot {
  readonly #release: () => void;

  constructor(tree: Tree, version: Version, assertOpen: () => void) {
    let isReleased = false;
    super(tree, version, () => {
      assertOpen();
      if (isReleased) throw new Error("The snapshot was read after its release.");
    });
    this.#release = () => {
      isReleased = true;
    };
  }

  release(): void {
    this.#release();
  }
}
