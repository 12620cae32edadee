/** Places in the trees of a generation. The steps of a check go through the trees in the order of their namespaces. */
import type { Value } from "convex/values";
import { encodeKey } from "../../../../values/index.js";
import type { Doc } from "../_generated/dataModel.js";
import type { DatabaseReader } from "../_generated/server.js";
import type { TreePlace } from "./tables.js";
import { storedGeneration } from "../forest/records.js";

/** How many records of trees are read at once. */
const treesPerStep = 64;

/** The records of the next trees at or behind a place; none when the place is behind the last tree. */
export function treesFrom(
  db: DatabaseReader,
  generation: number,
  place: TreePlace | undefined,
): Promise<Doc<"trees">[]> {
  return db
    .query("trees")
    .withIndex("by_generation", (q) => {
      const all = q.eq("generation", storedGeneration(generation));
      if (place === undefined) return all;
      return place.from === null
        ? all.gt("namespace", place.namespace)
        : all.gte("namespace", place.namespace);
    })
    .take(treesPerStep);
}

/** A position in the tree of a namespace; null for the end of that tree. */
export function placeIn(namespace: Value | undefined, from: string | null): TreePlace {
  return namespace === undefined ? { from } : { namespace, from };
}

/** The position in the tree of a namespace, one that `treesFrom` gave, at which a place continues. */
export function startIn(place: TreePlace | undefined, namespace: Value | undefined): string {
  const isHere = place !== undefined && encodeKey([place.namespace]) === encodeKey([namespace]);
  return isHere ? (place.from ?? "") : "";
}
