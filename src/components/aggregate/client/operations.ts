/** Writes as the component takes them: the namespaces and numbers that are undefined are left out. */
import type { Value } from "convex/values";
import type { Operation } from "./aggregate.js";
import type { Key } from "./types.js";

/** An item to be written. */
export interface WrittenItem {
  readonly key: Key;
  readonly id: string;
  readonly namespace?: Value | undefined;
  readonly sumValue?: number | undefined;
  readonly sumValues?: Readonly<Partial<Record<string, number>>> | undefined;
}

export function insertOperation(item: WrittenItem): Operation {
  return { type: "insert", ...placeArgs(item), ...valueArgs(item) };
}

/** Adds an item, or gives the one in its place other numbers; `insertIfDoesNotExist` does this. */
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
    ...(current.namespace === undefined ? {} : { namespace: current.namespace }),
    ...(next.namespace === undefined ? {} : { newNamespace: next.namespace }),
    ...valueArgs(next),
  };
}

/** Adds to an operation what was there before: the numbers of an item, or that there was none. Changes the operation. */
export function withBefore(operation: Operation, before: WrittenItem | null): Operation {
  operation.before = before === null ? null : valueArgs(before);
  return operation;
}

/** A copy of an operation that does not say what was there before. */
export function withoutBefore({ before: _before, ...operation }: Operation): Operation {
  return operation;
}

function placeArgs({ key, id, namespace }: WrittenItem): { key: Key; id: string; namespace?: Value } {
  return { key, id, ...(namespace === undefined ? {} : { namespace }) };
}

function valueArgs({ sumValue, sumValues }: Pick<WrittenItem, "sumValue" | "sumValues">): {
  sumValue?: number;
  sumValues?: Record<string, number>;
} {
  return {
    ...(sumValue === undefined ? {} : { sumValue }),
    ...(sumValues === undefined ? {} : { sumValues: present(sumValues) }),
  };
}

function present(values: Readonly<Partial<Record<string, number>>>): Record<string, number> {
  const named: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) named[name] = value;
  return named;
}
