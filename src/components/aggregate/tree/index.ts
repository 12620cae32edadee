export {
  addToBucket,
  bucketAt,
  bucketRange,
  differingBuckets,
  emptySums,
  nothingCollected,
  SeparatorCollector,
  type BucketSums,
} from "./buckets.js";
export { addDigests, digestOf, factorOf, scaleDigest } from "./digest.js";
export { entryText, placeOfEntry, readEntry, spaceLengthOf } from "./entry.js";
export { countRange, summarizeRange } from "./tree-fold.js";
export {
  assertFits,
  emptyLeaf,
  findItem,
  itemAtOffset,
  leafOf,
  maxMaxNodeSize,
  minMaxNodeSize,
} from "./counted-tree.js";
export type { CountedTree, TreeState } from "./counted-tree.js";
export { addSums, roundSum, type ExactSum } from "./exact-sum.js";
export { countParts, itemInParts, measureParts, scanParts, type Found, type Part } from "./grove.js";
export {
  afterwards,
  askEach,
  gatherMissing,
  isMissing,
  throwMissing,
  untilLoaded,
  type Need,
  type Soon,
  type Source,
} from "./missing.js";
export { NodeCache, settle } from "./node-store.js";
export {
  childBytes,
  isLeaf,
  newBranch,
  newLeaf,
  itemBytes,
  type Branch,
  type Child,
  type Leaf,
  type Node,
  type NodeRef,
} from "./node.js";
export { Position } from "./position.js";
export { endOf, intersect, rangeOf, startOf, type KeyBounds, type OrderRange } from "./range.js";
export {
  combineMeasures,
  equalValues,
  noMeasure,
  withoutTrailingNulls,
  type Item,
  type MeasureSummary,
  type Summary,
} from "./summary.js";
export { appendItems } from "./tree-append.js";
export { checkTree, type TreeProblem, type TreeReport } from "./tree-check.js";
export { removeSome } from "./tree-removal.js";
export { scanRange, type Order } from "./tree-scan.js";
export { insertItem, makeRootLazy, putItem, removeItem, type OnMisfit } from "./tree-write.js";
