/**
 * Finds all changes between two schemas, each under its rule. A table that was not validated before counts as `any`, because
 * its declared types say nothing of the documents that are stored. Where one thing was removed and one of the same type was
 * added beside it, a note on the removal asks whether that is a rename; it stays a removal until its author says otherwise.
 */
import { documentType } from "../document-type.js";
import { findTable, type SchemaJson, type TableJson } from "../schema-json.js";
import { validatorText } from "../source/validator-text.js";
import { accepts } from "../subtyping/accepts.js";
import { root } from "../validation/place.js";
import { diffIndexes } from "./diff-indexes.js";
import { diffType } from "./diff-type.js";
import { sameType } from "./pair-members.js";
import { referredTables } from "./rewrite-type.js";
import { tableChange, type SchemaChange } from "./schema-change.js";

/** The schema before the first one: it has no tables and validates nothing. */
export const noSchema: SchemaJson = { tables: [], schemaValidation: false };

/**
 * The changes by table, in the order of the new schema, with removed tables last.
 * @param before The old schema in the names of the new one (`applyRenames`).
 */
export function diffSchemas(before: SchemaJson, after: SchemaJson): readonly SchemaChange[] {
  const changes: SchemaChange[] = [];
  if (before.schemaValidation && !after.schemaValidation) {
    changes.push(tableChange("validation-turned-off", "*"));
  }
  for (const table of after.tables) {
    const was = findTable(before, table.tableName);
    if (was === undefined && before.schemaValidation) {
      changes.push(tableChange("table-added", table.tableName, tableText(table)));
    }
    changes.push(...diffDocuments(before, after, was, table));
    changes.push(...diffStaged(was, table));
    changes.push(...diffIndexes(was, table));
  }
  for (const table of before.tables) {
    if (findTable(after, table.tableName) === undefined) {
      changes.push(removedTable(table, after));
    }
  }
  return suspectRenames(before, after, changes);
}

function diffDocuments(
  before: SchemaJson,
  after: SchemaJson,
  was: TableJson | undefined,
  table: TableJson,
): readonly SchemaChange[] {
  const { tableName } = table;
  const now = documentType(table);
  if (!after.schemaValidation) {
    if (was === undefined || sameType(documentType(was), now)) return [];
    return [tableChange("unenforced-type-changed", tableName, texts(was, table))];
  }
  if (!before.schemaValidation) {
    if (accepts(now, { type: "any" })) return [];
    return [tableChange("validation-turned-on", tableName, tableText(table))];
  }
  return was === undefined ? [] : diffType(tableName, documentType(was), now, root);
}

function diffStaged(was: TableJson | undefined, table: TableJson): readonly SchemaChange[] {
  const [before, after] = [was?.stagedDocumentType, table.stagedDocumentType];
  const alike = before === undefined || after === undefined ? before === after : sameType(before, after);
  if (alike) return [];
  return [
    tableChange("staged-type-changed", table.tableName, {
      ...(before === undefined ? {} : { before: validatorText(before, 200) }),
      ...(after === undefined ? {} : { after: validatorText(after, 200) }),
    }),
  ];
}

function removedTable(table: TableJson, after: SchemaJson): SchemaChange {
  const { tableName } = table;
  const referring = after.tables.filter((other) => referredTables(other.documentType).has(tableName));
  const notes = referring.map(
    (other) => `Table "${other.tableName}" still refers to it by v.id("${tableName}").`,
  );
  return tableChange("table-removed", tableName, {
    before: validatorText(documentType(table), 200),
    ...(notes.length === 0 ? {} : { notes }),
  });
}

function tableText(table: TableJson): { after: string } {
  return { after: validatorText(documentType(table), 200) };
}

function texts(before: TableJson, after: TableJson): { before: string; after: string } {
  return { before: validatorText(documentType(before), 200), ...tableText(after) };
}

/** The same changes, with a note on each removal that may be a rename. */
function suspectRenames(
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

/** The renames that a removal may be, as their author would declare them. */
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
