/** The difference between two images of a document, field by field. */
import type { GenericDocument } from "convex/server";
import { compareValues, convexToJson, type Value } from "convex/values";
import type { FieldDifference } from "../status.js";

/** A value whose JSON is longer is shown by its beginning. */
const shownLength = 200;

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

/** The same difference with large values cut to the beginning of their JSON. */
export function shortened(difference: FieldDifference): FieldDifference {
  switch (difference.kind) {
    case "added":
      return { ...difference, after: brief(difference.after) };
    case "removed":
      return { ...difference, before: brief(difference.before) };
    case "changed":
      return { ...difference, before: brief(difference.before), after: brief(difference.after) };
  }
}

function brief(value: Value): Value {
  const json = JSON.stringify(convexToJson(value));
  return json.length <= shownLength ? value : `${json.slice(0, shownLength)}…`;
}
