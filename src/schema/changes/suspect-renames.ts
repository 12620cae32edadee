/**
 * Points out what may be a rename that nobody declared: something removed and something of the same type
 * added beside it, one of each. It only adds a note; a removal stays a removal until its author says
 * otherwise.
 */
import { documentType } from "../document-type.js";
import { findTable, type SchemaJson } from "../schema-json.js";
import { sameType } from "./pair-members.js";
import type { SchemaChange } from "./schema-change.js";

/** The same changes, with a note on each removal that may be a rename. */
export function suspectRenames(
  before: SchemaJson,
  after: SchemaJson,
  changes: readonly SchemaChange[],
): readonly SchemaChange[] {
  return changes.map((change) => {
    const candidates = candidatesFor(change, before, after, changes);
    const [only] = candidates;
    if (only === undefined || candidates.length > 1) return change;
    const note = `If this is a rename, declare it: ${only}`;
    return { ...change, notes: [...(change.notes ?? []), note] };
  });
}

/** The renames that a removal may be, as they are declared. */
function candidatesFor(
  change: SchemaChange,
  before: SchemaJson,
  after: SchemaJson,
  changes: readonly SchemaChange[],
): readonly string[] {
  const { tableName } = change;
  if (change.rule === "table-removed") {
    const was = findTable(before, tableName);
    return changes.flatMap((other) => {
      const now = other.rule === "table-added" ? findTable(after, other.tableName) : undefined;
      if (was === undefined || now === undefined) return [];
      const alike = sameType(documentType(was), documentType(now));
      return alike ? [`${tableName}=${now.tableName}`] : [];
    });
  }
  if (change.rule !== "field-removed" || change.path === undefined) return [];
  const parent = parentOf(change.path);
  return changes
    .filter((other) => other.rule === "field-added-required" || other.rule === "field-added-optional")
    .filter((other) => other.tableName === tableName && parentOf(other.path ?? "") === parent)
    .filter((other) => unwrapped(other.after) === unwrapped(change.before))
    .map((other) => `${tableName}${change.pattern}=${nameOf(other.path ?? "")}`);
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("."));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/** A field's type without `v.optional`. */
function unwrapped(text: string | undefined): string | undefined {
  return text?.replace(/^v\.optional\((.*)\)$/s, "$1");
}
