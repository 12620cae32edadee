/**
 * A document that remembers which of its values were read by name, and a walk over the values of a document. A value that
 * is only copied along, by spread or as the rest of a destructuring, was not read by name.
 */
import type { Value } from "convex/values";
import type { Document } from "../documents/document.js";

export class TrackedReads {
  readonly document: Document;
  readonly #read = new Set<string>();
  #isOver = false;

  /** @param document The receiver's own; it may be changed through the tracked one. */
  constructor(document: Document) {
    this.document = this.#track(document, "") as Document;
  }

  /** Stops noting what is read. */
  end(): void {
    this.#isOver = true;
  }

  /** Whether the value at a leaf's place was read by name. */
  isRead(place: string): boolean {
    return this.#read.has(place);
  }

  #track(value: object, place: string): object {
    const inner = new Map<string, { of: unknown; tracked: unknown }>();
    /** The property that was described last: a copy asks for its descriptor, then for its value. */
    let described: string | symbol | null = null;
    return new Proxy(value, {
      get: (target, key) => {
        const found: unknown = Reflect.get(target, key);
        const isCopy = described === key;
        described = null;
        if (typeof key === "symbol" || typeof found === "function" || this.#isOver) return found;
        const at = placeIn(place, key);
        if (!isCopy) this.#read.add(at);
        if (typeof found !== "object" || found === null || found instanceof ArrayBuffer) return found;
        const known = inner.get(key);
        if (known?.of === found) return known.tracked;
        const tracked = this.#track(found, at);
        inner.set(key, { of: found, tracked });
        return tracked;
      },
      getOwnPropertyDescriptor: (target, key) => {
        described = key;
        return Reflect.getOwnPropertyDescriptor(target, key);
      },
    });
  }
}

/** Names of fields cannot contain it. */
const separator = "\0";

function placeIn(place: string, key: string | number): string {
  return place === "" ? String(key) : `${place}${separator}${key}`;
}

/** The fields and indexes that lead to a place. */
export function stepsTo(place: string): readonly string[] {
  return place.split(separator);
}

/** The path of a field of an object at a path. */
export function pathIn(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** A value anywhere in a document. */
export interface Leaf {
  /** Where exactly; see `stepsTo`. */
  readonly place: string;
  /** The field by its path: "items[].sku". */
  readonly path: string;
  readonly value: Value;
}

/** The values of a document, without `_id` and `_creationTime`; objects and arrays only when they are empty. */
export function* leavesOf(document: Document): Generator<Leaf> {
  for (const [name, value] of Object.entries(document)) {
    if (name !== "_id" && name !== "_creationTime" && value !== undefined) yield* leavesIn(value, name, name);
  }
}

function* leavesIn(value: Value, place: string, path: string): Generator<Leaf> {
  if (Array.isArray(value) && value.length > 0) {
    for (const [at, item] of value.entries()) yield* leavesIn(item, placeIn(place, at), `${path}[]`);
  } else if (isFields(value) && Object.keys(value).length > 0) {
    for (const [name, field] of Object.entries(value)) {
      if (field !== undefined) yield* leavesIn(field, placeIn(place, name), pathIn(path, name));
    }
  } else yield { place, path, value };
}

/** Whether a value has named fields of its own. */
export function isFields(value: Value | undefined): value is { [name: string]: Value | undefined } {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ArrayBuffer)
  );
}
