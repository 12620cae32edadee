/** Writes as the component takes them: the namespaces and numbers that are undefined are left out. */
import type { Value } from "convex/values";
import type { Operation } from "./aggregate.js";
import { namespaceArgs } from "./range-args.js";
import type { Key } from "./types.js";

/** An item to be written. */
export interface WrittenItem {
  readonly key: Key;
  readonly id: string;
  readonly namespace?: Value | undefined;
  readonly sumValue?: number | undefined;
}

export function insertOperation(item: WrittenItem): Operation {
  return { type: "insert", ...placeArgs(item), ...valueArgs(item) };
}

/** Adds an item or gives the one in its place other values: what `insertIfDoesNotExist` does. */
export function putOperation(item: WrittenItem): Operation {
  return { type: "put", ...placeArgs(item), ...valueArgs(item) };
}

export function deleteOperation(type: "delete" | "deleteIfExists", item: WrittenItem): Operation {
  return { type, ...placeArgs(item) };
}

/** Moves an item: `current` tells where from, `next` where to, and the id is the current one's. */
export function replaceOperation(
  type: "replace" | "replaceOrInsert",
  current: WrittenItem,
  next: Omit<WrittenItem, "id">,
): Operation {
  return {
    type,
    id: current.id,
    currentKey: current.key,
    newKey: next.key,
    ...namespaceArgs(current.namespace),
    ...(next.namespace === undefined ? {} : { newNamespace: next.namespace }),
    ...valueArgs(next),
  };
}

function placeArgs({ key, id, namespace }: WrittenItem): { key: Key; id: string; namespace?: Value } {
  return { key, id, ...namespaceArgs(namespace) };
}

function valueArgs({ sumValue }: Pick<WrittenItem, "sumValue">): { sumValue?: number } {
  return sumValue === undefined ? {} : { sumValue };
}
