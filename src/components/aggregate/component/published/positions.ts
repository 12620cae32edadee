/**
 * Translates positions and operations between `@convex-dev/aggregate` and us. Its positions are values: `[key, id, ""]`, where a
 * key that is an array has an empty string around each element. Its order differs from that of Convex in two points: it compares
 * strings by their UTF-16 units, and takes 0 and -0 for equal.
 */
import { ConvexError, type Value } from "convex/values";
import { compareValues } from "../../../../values/index.js";
import { namespaceField, type Operation } from "../interface/operation.js";
import { show } from "../interface/errors.js";
import type { PublishedOperation } from "./types.js";

/** The key and id at a position. @throws COMPONENT_NOT_MOVED for a position that no class of the package has written */
export function placeOf(position: Value): { key: Value; id: string } {
  if (Array.isArray(position) && position.length === 3) {
    const [key, id] = position;
    if (key !== undefined && typeof id === "string" && position[2] === "") return { key: implode(key), id };
  }
  throw notMoved(
    `An item stands at ${show(position)}, which is no key with an id: it was not written by a class of the package.`,
  );
}

/** The position of a key and id. */
export function positionOf(key: Value, id: string): Value {
  return [explode(key), id, ""];
}

/** The error for what cannot be carried over. */
export function notMoved(message: string): Error {
  return new ConvexError({ code: "COMPONENT_NOT_MOVED", message });
}

/** An operation of that package as one of ours. @throws COMPONENT_NOT_MOVED */
export function ourOperation(operation: PublishedOperation): Operation {
  const { namespace } = operation;
  const space = namespaceField(namespace);
  switch (operation.type) {
    case "insert":
      return { type: "insert", ...placeOf(operation.key), ...space, ...ourValues(operation) };
    case "delete":
    case "deleteIfExists":
      return { type: operation.type, ...placeOf(operation.key), ...space };
    case "replace":
    case "replaceOrInsert": {
      const { type, currentKey, newKey, newNamespace } = operation;
      const { key, id } = placeOf(newKey);
      return {
        type,
        currentKey: placeOf(currentKey).key,
        newKey: key,
        id,
        ...space,
        ...(newNamespace === undefined ? {} : { newNamespace }),
        ...ourValues(operation),
      };
    }
  }
}

/** An operation of ours as one of that package. */
export function publishedOperation(operation: Operation): PublishedOperation {
  const { id, namespace } = operation;
  const space = namespaceField(namespace);
  switch (operation.type) {
    case "insert":
      return {
        type: "insert",
        key: positionOf(operation.key, id),
        value: id,
        ...space,
        ...summand(operation),
      };
    case "delete":
    case "deleteIfExists":
      return { type: operation.type, key: positionOf(operation.key, id), ...space };
    case "put": {
      const key = positionOf(operation.key, id);
      const spaces = namespace === undefined ? {} : { namespace, newNamespace: namespace };
      const parts = { currentKey: key, newKey: key, value: id, ...spaces, ...summand(operation) };
      return { type: "replaceOrInsert", ...parts };
    }
    case "replace":
    case "replaceOrInsert": {
      const { type, currentKey, newKey, newNamespace } = operation;
      return {
        type,
        currentKey: positionOf(currentKey, id),
        newKey: positionOf(newKey, id),
        value: id,
        ...space,
        ...(newNamespace === undefined ? {} : { newNamespace }),
        ...summand(operation),
      };
    }
  }
}

/** Compares two values in that package's own order: negative, zero or positive. */
export function comparePublished(a: Value | undefined, b: Value | undefined): number {
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : Number(a > b);
  if (a === 0 && b === 0) return 0;
  if (Array.isArray(a) && Array.isArray(b)) return compareLists(a, b);
  if (isObject(a) && isObject(b)) return compareLists(entriesOf(a), entriesOf(b));
  return compareValues(a, b);
}

function compareLists(a: readonly Value[], b: readonly Value[]): number {
  for (let index = 0; index < a.length && index < b.length; index++) {
    const order = comparePublished(a[index], b[index]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function isObject(value: Value | undefined): value is { [key: string]: Value | undefined } {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function entriesOf(object: { readonly [key: string]: Value | undefined }): Value[] {
  return Object.keys(object)
    .toSorted()
    .map((name) => [name, object[name] ?? null]);
}

function explode(key: Value): Value {
  return Array.isArray(key) ? ["", ...key.flatMap((part) => [part, ""])] : key;
}

function implode(key: Value): Value {
  return Array.isArray(key) ? key.filter((_, index) => index % 2 === 1) : key;
}

function ourValues({ summand: sumValue }: { summand?: number }): { sumValue?: number } {
  return sumValue === undefined ? {} : { sumValue };
}

function summand({ sumValue }: { sumValue?: number | undefined }): { summand?: number } {
  return sumValue === undefined ? {} : { summand: sumValue };
}
