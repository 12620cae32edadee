/**
 * The check of whole documents of a table. `_id` and `_creationTime` belong to the database: they may
 * stand beside the declared fields and are not checked here, whether or not the schema declares them.
 * Any other field at the top that begins with an underscore is refused, also where the type is `any`.
 */
import { documentMembers, systemFields } from "../document-type.js";
import type { ObjectValidatorJson, TableJson } from "../schema-json.js";
import { valueText } from "../source/value-text.js";
import type { CheckContext } from "./check-context.js";
import { compileObjects, type Fits } from "./compile-fits.js";
import { noViolations } from "./compile-validator.js";
import { discriminate } from "./discriminate.js";
import { explain, explainObject } from "./explain.js";
import { isPlainObject } from "./value-kind.js";
import type { Violation } from "./violation.js";

/** A table's document check, made ready for many documents. */
export interface CompiledTable {
  readonly tableName: string;
  /** True when the document fits; allocates nothing. */
  readonly fits: Fits;
  /** The violations, at most 64; the same empty list each time when the document fits. */
  readonly check: (document: unknown, context: CheckContext) => readonly Violation[];
}

/** Compiles a table's document type once, to be kept and reused. */
export function compileTable(table: Pick<TableJson, "tableName" | "documentType">): CompiledTable {
  const { tableName } = table;
  const members = documentMembers(table.documentType);
  if (members === "any") {
    const fits: Fits = (document) => isPlainObject(document) && !hasReservedField(document);
    const check = (document: unknown, context: CheckContext): readonly Violation[] =>
      fits(document, context) ? noViolations : explainAny(document, context);
    return { tableName, fits, check };
  }
  const fits = compileObjects(members, systemFields);
  const check = (document: unknown, context: CheckContext): readonly Violation[] =>
    fits(document, context) ? noViolations : explainDocument(members, document, context);
  return { tableName, fits, check };
}

const compiled = new WeakMap<TableJson, CompiledTable>();

/** The violations of one document; the compiled form lives as long as the table object. */
export function checkDocument(
  table: TableJson,
  document: unknown,
  context: CheckContext,
): readonly Violation[] {
  let ready = compiled.get(table);
  if (ready === undefined) {
    ready = compileTable(table);
    compiled.set(table, ready);
  }
  return ready.check(document, context);
}

function hasReservedField(document: Readonly<Record<string, unknown>>): boolean {
  for (const name in document) {
    if (name.startsWith("_") && !systemFields.has(name) && document[name] !== undefined) return true;
  }
  return false;
}

function explainAny(document: unknown, context: CheckContext): readonly Violation[] {
  if (!isPlainObject(document)) return explain({ type: "object", value: {} }, document, context);
  return Object.keys(document)
    .filter((name) => name.startsWith("_") && !systemFields.has(name))
    .map((field) => ({
      kind: "reservedField",
      path: `.${field}`,
      pattern: `.${field}`,
      expected: "no such field",
      actual: valueText(document[field], 400),
      field,
    }));
}

function explainDocument(
  members: readonly ObjectValidatorJson[],
  document: unknown,
  context: CheckContext,
): readonly Violation[] {
  const meant = members.length === 1 ? members[0] : taggedMember(members, document);
  if (meant !== undefined) return explainObject(meant, document, context, systemFields);
  const value = isPlainObject(document)
    ? Object.fromEntries(Object.entries(document).filter(([name]) => !systemFields.has(name)))
    : document;
  return explain({ type: "union", value: [...members] }, value, context);
}

function taggedMember(
  members: readonly ObjectValidatorJson[],
  document: unknown,
): ObjectValidatorJson | undefined {
  const tagged = discriminate(members);
  if (tagged === undefined || !isPlainObject(document)) return undefined;
  const tag = document[tagged.field];
  return typeof tag === "string" ? tagged.members.get(tag) : undefined;
}
