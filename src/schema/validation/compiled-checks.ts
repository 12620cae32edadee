/**
 * Checks made ready for many values: of a validator, and of the documents of a table. Each has a closure that says whether a
 * value fits and, for a value that does not, an explanation. `_id` and `_creationTime` belong to the database: they may stand
 * beside the declared fields of a document and are not checked here, whether or not the schema declares them. Any other
 * field at the top that begins with an underscore is refused, also where the type is `any`.
 */
import type { ValidatorJson, ObjectValidatorJson, TableJson } from "../schema-json.js";
import { type CheckContext, compileFits, type Fits, compileObjects } from "./compile-fits.js";
import { explain, explainObject } from "./explain.js";
import type { Violation } from "./violation.js";
import { documentMembers, systemFields } from "../document-type.js";
import { valueText } from "../source/value-text.js";
import { discriminate } from "./discriminate.js";
import { isPlainObject } from "../../values/index.js";

/** The check of a validator, made ready for many values. */
export interface CompiledValidator {
  readonly validator: ValidatorJson;
  /** Whether the value fits. Allocates nothing. */
  readonly fits: Fits;
  /** The violations, at most 64. A value that fits has the same empty list each time. */
  readonly check: (value: unknown, context: CheckContext) => readonly Violation[];
}

/** The violations of every value that fits. */
const noViolations: readonly Violation[] = Object.freeze([]);

/** A value that does not fit, and what it was checked against. */
export interface CheckedValue {
  readonly validator: ValidatorJson;
  readonly value: unknown;
  readonly context: CheckContext;
}

const checkedValues = new WeakMap<readonly Violation[], CheckedValue>();

/** The value that has these violations, for whoever puts them into other words. */
export function checkedValueOf(violations: readonly Violation[]): CheckedValue | undefined {
  return checkedValues.get(violations);
}

function remember(violations: readonly Violation[], checked: CheckedValue): readonly Violation[] {
  checkedValues.set(violations, checked);
  return violations;
}

/** Compiles a validator once, to be kept and reused. O(size of the validator). */
export function compileValidator(validator: ValidatorJson): CompiledValidator {
  const fits = compileFits(validator);
  return {
    validator,
    fits,
    check: (value, context) =>
      fits(value, context)
        ? noViolations
        : remember(explain(validator, value, context), { validator, value, context }),
  };
}

const compiledValidators = new WeakMap<ValidatorJson, CompiledValidator>();

/**
 * The violations of one value; an absent value is `undefined`. The compiled check is kept for as long as the validator object
 * lives.
 */
export function checkValue(
  validator: ValidatorJson,
  value: unknown,
  context: CheckContext,
): readonly Violation[] {
  let ready = compiledValidators.get(validator);
  if (ready === undefined) {
    ready = compileValidator(validator);
    compiledValidators.set(validator, ready);
  }
  return ready.check(value, context);
}

/** The check of a table's documents, made ready for many of them. */
export interface CompiledTable {
  readonly tableName: string;
  /** Whether the document fits. Allocates nothing. */
  readonly fits: Fits;
  /** The violations, at most 64. A document that fits has the same empty list each time. */
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
    fits(document, context)
      ? noViolations
      : remember(explainDocument(members, document, context), {
          validator: table.documentType,
          value: withoutSystemFields(document),
          context,
        });
  return { tableName, fits, check };
}

const compiledTables = new WeakMap<TableJson, CompiledTable>();

/** The violations of one document. The compiled check is kept for as long as the table object lives. */
export function checkDocument(
  table: TableJson,
  document: unknown,
  context: CheckContext,
): readonly Violation[] {
  let ready = compiledTables.get(table);
  if (ready === undefined) {
    ready = compileTable(table);
    compiledTables.set(table, ready);
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
  return explain({ type: "union", value: [...members] }, withoutSystemFields(document), context);
}

function withoutSystemFields(document: unknown): unknown {
  if (!isPlainObject(document)) return document;
  return Object.fromEntries(Object.entries(document).filter(([name]) => !systemFields.has(name)));
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
