/**
 * What a transform loses of a document. A value stays when the result has it at the same place, or, if it is one that tells
 * itself apart, somewhere else where it was not before. A value that does not stay is used when another value in its place
 * makes another document, or when the transform asks for it by name and puts something in its place. Everything else is lost;
 * but one that is asked for by name may only be used in other documents, so that is for them to say.
 */
import type { Value } from "convex/values";
import { stringifyValue } from "../../values/index.js";
import type { Document } from "../documents/document.js";
import { copyDocument, type StoredDocument } from "../documents/stored-document.js";
import { applyTransform } from "./apply-transform.js";
import { leavesOf, stepsTo, TrackedReads, type Leaf } from "./tracked-reads.js";
import type { TransformFunction } from "./types.js";

/** A field whose value is lost. */
export interface LostField {
  /** Of a field that is asked for by name its own, else of the outermost object or array of which nothing is left. */
  readonly path: string;
  /** The first of its values. */
  readonly value: Value;
  /** The transform asks for it by name. */
  readonly isNamed: boolean;
}

export interface Losses {
  readonly lost: readonly LostField[];
  /** The paths of fields whose values do not stay and are used. */
  readonly used: readonly string[];
}

const maxTriedPerPath = 4;
const maxTried = 64;
const nothing: Losses = { lost: [], used: [] };

/**
 * O(size); runs the transform again where a value does not stay.
 * @param after What the transform made of the document.
 */
export function lossesOf(run: TransformFunction, before: StoredDocument, after: StoredDocument): Losses {
  const leaves = [...leavesOf(before.document)];
  const gone = withoutStaying(leaves, after.document);
  if (gone.length === 0) return nothing;
  const reads = trackReads(run, before, after);
  const made = stringifyValue(after.document);
  const places = new Set([...leavesOf(after.document)].map(({ place }) => place));
  const isNamed = ({ place }: Leaf): boolean => reads?.isRead(place) === true;
  const trials = new Trials((leaf) => changesWith(run, before, leaf, made, after.shape));
  const isUsed = (leaf: Leaf): boolean => (isNamed(leaf) && places.has(leaf.place)) || trials.isUsed(leaf);
  const used = gone.filter(isUsed);
  const isInUse = new Set(used);
  const lost = gone.filter((leaf) => !isInUse.has(leaf));
  return { lost: fieldsOf(leaves, lost, isNamed), used: used.map(({ path }) => path) };
}

/** The values that the other document has no more. */
function withoutStaying(leaves: readonly Leaf[], after: Document): Leaf[] {
  const left = new Map<string, { readonly path: string; readonly key: string }>();
  for (const { place, path, value } of leavesOf(after)) left.set(place, { path, key: stringifyValue(value) });
  const moved = leaves
    .map((leaf) => ({ leaf, key: stringifyValue(leaf.value) }))
    .filter(({ leaf: { place }, key }) => {
      if (left.get(place)?.key !== key) return true;
      left.delete(place);
      return false;
    });
  if (moved.length === 0) return [];
  const elsewhere = new Map<string, string[]>();
  for (const [place, { key }] of left) elsewhere.set(key, [...(elsewhere.get(key) ?? []), place]);
  const wanting = new Map<string, number>();
  for (const { key } of moved) wanting.set(key, (wanting.get(key) ?? 0) + 1);
  // Of equal values only some are still there: which of them, their use has to tell.
  for (const [key, count] of wanting) if (count > (elsewhere.get(key)?.length ?? 0)) elsewhere.delete(key);
  const gone = moved.filter(({ leaf: { path, value }, key }) => {
    const places = elsewhere.get(key) ?? [];
    const at = places.findIndex((place) => isTelling(value) || left.get(place)?.path === path);
    if (at < 0) return true;
    places.splice(at, 1);
    return false;
  });
  return gone.map(({ leaf }) => leaf);
}

/** Whether the same value elsewhere is hardly there by chance. */
function isTelling(value: Value): boolean {
  if (typeof value === "number") return !Number.isInteger(value) || Math.abs(value) > 1;
  return typeof value === "string"
    ? value.length > 1
    : typeof value === "bigint" || value instanceof ArrayBuffer;
}

/** Null when the transform does otherwise when it is looked at. */
function trackReads(
  run: TransformFunction,
  before: StoredDocument,
  after: StoredDocument,
): TrackedReads | null {
  const reads = new TrackedReads(copyDocument(before));
  try {
    const tracked: TransformFunction = () => {
      const fields = run(reads.document);
      reads.end();
      return fields;
    };
    const made = applyTransform(tracked, before, after.shape);
    return stringifyValue(made.document) === stringifyValue(after.document) ? reads : null;
  } catch {
    return null;
  }
}

/** Tries some values of each field; of long arrays and large records the others are taken for like those. */
class Trials {
  readonly #changes: (leaf: Leaf) => boolean;
  readonly #byPath = new Map<string, { tried: number; isUsed: boolean }>();
  /** Whether all values were used that were tried of a field of the document. */
  readonly #byField = new Map<string, boolean>();
  #tried = 0;

  constructor(changes: (leaf: Leaf) => boolean) {
    this.#changes = changes;
  }

  isUsed(leaf: Leaf): boolean {
    const [field = ""] = stepsTo(leaf.place);
    const known = this.#byPath.get(leaf.path);
    if (known?.tried === maxTriedPerPath) return known.isUsed;
    if (this.#tried === maxTried) return known?.isUsed ?? this.#byField.get(field) ?? false;
    this.#tried++;
    const isUsed = this.#changes(leaf);
    const { tried = 0, isUsed: wasUsed = false } = known ?? {};
    this.#byPath.set(leaf.path, { tried: tried + 1, isUsed: wasUsed || isUsed });
    this.#byField.set(field, isUsed && this.#byField.get(field) !== false);
    return isUsed;
  }
}

/** Whether the transform makes another document, or none, when there is another value at a place. */
function changesWith(
  run: TransformFunction,
  before: StoredDocument,
  { place, value }: Leaf,
  made: string,
  shape: number,
): boolean {
  return others(value).some((other) => {
    const document = copyDocument(before);
    if (!put(document, stepsTo(place), other)) return false;
    try {
      return stringifyValue(applyTransform(() => run(document), before, shape).document) !== made;
    } catch {
      return true;
    }
  });
}

function others(value: Value): readonly (Value | undefined)[] {
  switch (typeof value) {
    case "boolean":
      return [!value, undefined];
    case "number":
      return [value + 1, -value - 1, 1e12, -1e12, undefined];
    case "bigint":
      return [value === 0n ? 1n : value - 1n, undefined];
    case "string":
      return [`${value}~`, "", undefined];
    default:
      return ["~", undefined];
  }
}

/** False where there is no such place. */
function put(document: Document, steps: readonly string[], value: Value | undefined): boolean {
  let holder: unknown = document;
  for (const step of steps.slice(0, -1)) {
    if (typeof holder !== "object" || holder === null) return false;
    holder = Reflect.get(holder, step);
  }
  const last = steps.at(-1);
  if (typeof holder !== "object" || holder === null || last === undefined) return false;
  if (value === undefined && !Array.isArray(holder)) return Reflect.deleteProperty(holder, last);
  return Reflect.set(holder, last, value ?? null);
}

/** Each path once. */
function fieldsOf(
  leaves: readonly Leaf[],
  lost: readonly Leaf[],
  isNamed: (leaf: Leaf) => boolean,
): readonly LostField[] {
  const all = countsWithin(leaves);
  const missing = countsWithin(lost);
  const found = new Map<string, LostField>();
  for (const leaf of lost) {
    const { path, value } = leaf;
    const named = isNamed(leaf);
    const outermost = named ? path : ancestors(path).find((one) => missing.get(one) === all.get(one));
    const field = { path: outermost ?? path, value, isNamed: named };
    if (!found.has(field.path)) found.set(field.path, field);
  }
  return [...found.values()];
}

/** How many values there are in each object, array and field. */
function countsWithin(leaves: readonly Leaf[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { path } of leaves) {
    for (const one of ancestors(path)) counts.set(one, (counts.get(one) ?? 0) + 1);
  }
  return counts;
}

/** "items", "items[]", "items[].sku". */
function ancestors(path: string): string[] {
  const ends = [...path.matchAll(/(?=\.|\[\])/g)].map(({ index }) => index);
  return [...new Set([...ends.filter((end) => end > 0).map((end) => path.slice(0, end)), path])];
}
