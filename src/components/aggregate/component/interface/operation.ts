/** Items, and the operations that write them, as the app hands them over and as the queue stores them. */
import { v, type Infer, type Value, type VAny } from "convex/values";

/** Any value of Convex. (The type of a plain `v.any()` is `any`.) */
export const value: VAny<Value> = v.any();

/** The namespace of an item; absent for the namespace `undefined`. */
export const namespace = v.optional(value);

/** The namespace as a field, which is absent for the namespace `undefined`. */
export function namespaceField(namespace: Value | undefined): { namespace?: Value } {
  return namespace === undefined ? {} : { namespace };
}

const numbers = {
  /** The number that sums are about unless another one is named. */
  sumValue: v.optional(v.number()),
  /** Further numbers, by name. */
  sumValues: v.optional(v.record(v.string(), v.number())),
};

/** The numbers of an item. */
export type ItemValues = Infer<typeof itemValues>;
const itemValues = v.object(numbers);

/** What names an item. */
export const place = { key: value, id: v.string(), namespace };

/**
 * What a follower of a table knows of the item that was there before its document was written: its numbers, or null when
 * there was none. An aggregate in which this is not so has drifted (`check/drift.ts`).
 */
const before = v.optional(v.union(v.null(), itemValues));

/** One write. `put` adds an item, or gives the one that stands there new numbers. */
export type Operation = Infer<typeof operation>;
export const operation = v.union(
  v.object({ type: v.union(v.literal("insert"), v.literal("put")), ...place, ...numbers, before }),
  v.object({ type: v.union(v.literal("delete"), v.literal("deleteIfExists")), ...place, before }),
  v.object({
    type: v.union(v.literal("replace"), v.literal("replaceOrInsert")),
    currentKey: value,
    newKey: value,
    id: v.string(),
    namespace,
    newNamespace: namespace,
    ...numbers,
    before,
  }),
);

/** An item that moves to another key or namespace, or only gets other numbers. */
export type ItemMove = Extract<Operation, { newKey: Value }>;

export const operations = v.array(operation);
