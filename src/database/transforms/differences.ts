/** Finds where two documents differ, by the paths of fields: what `up` and then `down` do not bring back. */
import type { Value } from "convex/values";
import { stringifyValue } from "../../values/index.js";
import type { Document } from "../documents/document.js";
import { isFields, pathIn } from "./tracked-reads.js";

export interface Difference {
  /** "address.zip", "items[].sku"; "" for the whole document. */
  readonly path: string;
  readonly was: Value | undefined;
  readonly is: Value | undefined;
}

/** O(size). Each path once, with the first of its values. */
export function differencesOf(before: Document, after: Document): readonly Difference[] {
  const found = new Map<string, Difference>();
  for (const one of within(before, after, "")) if (!found.has(one.path)) found.set(one.path, one);
  return [...found.values()];
}

function* within(was: Value | undefined, is: Value | undefined, path: string): Generator<Difference> {
  if (isFields(was) && isFields(is)) {
    for (const name of new Set([...Object.keys(was), ...Object.keys(is)])) {
      yield* within(was[name], is[name], pathIn(path, name));
    }
  } else if (Array.isArray(was) && Array.isArray(is) && was.length === is.length) {
    for (const [at, item] of was.entries()) yield* within(item, is[at], `${path}[]`);
  } else if (textOf(was) !== textOf(is)) yield { path, was, is };
}

function textOf(value: Value | undefined): string | undefined {
  return value === undefined ? undefined : stringifyValue(value);
}
