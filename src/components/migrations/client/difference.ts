/** The difference between two images of a document, field by field. */
import type { GenericDocument } from "convex/server";
import { compareValues, type Value } from "convex/values";

/** One field that differs; nested objects are compared field by field, everything else as a whole. */
export type FieldDifference =
  | { path: string; kind: "added"; after: Value }
  | { path: string; kind: "removed"; before: Value }
  | { path: string; kind: "changed"; before: Value; after: Value };

/** The fields in which `after` differs from `before`, by path; none when they are equal. */
export function differences(before: GenericDocument, after: GenericDocument): FieldDifference[] {
  return within("", before, after);
}

function within(
  prefix: string,
  before: Record<string, Value>,
  after: Record<string, Value>,
): FieldDifference[] {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return fields.flatMap((field) => ofField(prefix + field, before[field], after[field]));
}

function ofField(path: string, before: Value | undefined, after: Value | undefined): FieldDifference[] {
  if (before === undefined) return after === undefined ? [] : [{ path, kind: "added", after }];
  if (after === undefined) return [{ path, kind: "removed", before }];
  if (isPlainObject(before) && isPlainObject(after)) return within(`${path}.`, before, after);
  return compareValues(before, after) === 0 ? [] : [{ path, kind: "changed", before, after }];
}

function isPlainObject(value: Value): value is Record<string, Value> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
