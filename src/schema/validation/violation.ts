/**
 * A violation says that a value does not fit its validator at one place: where, what was expected and what is there. The texts
 * in it are shortened and safe to store, count and print. Its message has the words that Convex users know from their
 * terminal and that tools already look for.
 */
import type { Place } from "./place.js";

interface ViolationBase extends Place {
  /** The validator at this place, as source text. */
  readonly expected: string;
  /** The value at this place, as source text; "undefined" when it is absent. */
  readonly actual: string;
}

/** The object around a missing or an extra field. */
export interface SurroundingObject {
  readonly path: string;
  readonly object: string;
  readonly validator: string;
}

export type Violation =
  /** A required field is absent. */
  | (ViolationBase & {
      readonly kind: "missingField";
      readonly field: string;
      readonly within: SurroundingObject;
    })
  /** A field that the validator does not name. */
  | (ViolationBase & {
      readonly kind: "extraField";
      readonly field: string;
      readonly within: SurroundingObject;
    })
  /** A field of the app at the top of a document that begins with an underscore. */
  | (ViolationBase & { readonly kind: "reservedField"; readonly field: string })
  /** A value of another kind, or one that no member of a union takes. */
  | (ViolationBase & { readonly kind: "noMatch" })
  /** A value of the literal's kind that is not the literal. */
  | (ViolationBase & { readonly kind: "literalMismatch" })
  /** An id of another table. */
  | (ViolationBase & { readonly kind: "wrongTable"; readonly foundTable: string })
  /** A record key that is no field name, because it is not printable ASCII or begins with `$`. */
  | (ViolationBase & { readonly kind: "invalidRecordKey" });

export type ViolationKind = Violation["kind"];

/** The text to count violations by: it is the same for violations that differ only in the values of their documents. */
export function violationGroup(violation: Violation): string {
  const found = violation.kind === "wrongTable" ? ` found v.id("${violation.foundTable}")` : "";
  return `${violation.kind} at ${violation.pattern === "" ? "the value" : violation.pattern}: expected ${violation.expected}${found}`;
}

/** One violation as a message of a few lines. */
export function describeViolation(violation: Violation): string {
  const path = pathLine(violation.path);
  switch (violation.kind) {
    case "missingField":
      return `Object is missing the required field \`${violation.field}\`. Consider wrapping the field validator in \`v.optional(...)\` if this is expected.\n${surroundings(violation.within)}`;
    case "extraField":
      return `Object contains extra field \`${violation.field}\` that is not in the validator.\n${surroundings(violation.within)}`;
    case "reservedField":
      return `Field \`${violation.field}\` starts with an underscore, which is only allowed for system fields like \`_id\`.`;
    case "noMatch":
      return `Value does not match validator.\n${path}\nValue: ${violation.actual}\nValidator: ${violation.expected}`;
    case "literalMismatch":
      return `\`${violation.actual}\` does not match literal validator \`${violation.expected}\`.${path && `\n${path}`}`;
    case "wrongTable": {
      const from = violation.foundTable.startsWith("_")
        ? "a system table"
        : `table \`${violation.foundTable}\``;
      return `Found ID ${violation.actual} from ${from}, which does not match the table name in validator \`${violation.expected}\`.${path && `\n${path}`}`;
    }
    case "invalidRecordKey":
      return `Record key ${violation.actual} is not a valid field name: printable ASCII, not beginning with "$".${path && `\n${path}`}`;
  }
}

/**
 * All violations of one value as one message. A single one is described as it is; several are counted and listed.
 */
export function describeViolations(violations: readonly Violation[]): string {
  const [first] = violations;
  if (first === undefined) return "";
  if (violations.length === 1) return describeViolation(first);
  const items = violations.map((violation, index) => `${index + 1}. ${describeViolation(violation)}`);
  return `Value has ${violations.length} violations of its validator.\n\n${items.join("\n\n")}`;
}

/** The message for a write that the schema refuses. */
export function describeRefusedWrite(tableName: string, violations: readonly Violation[]): string {
  return `Failed to insert or update a document in table "${tableName}" because it does not match the schema: ${describeViolations(violations)}`;
}

/** The message for a stored document that does not fit a new schema. */
export function describeStoredDocument(
  tableName: string,
  id: string,
  violations: readonly Violation[],
): string {
  return `Document with ID "${id}" in table "${tableName}" does not match the schema: ${describeViolations(violations)}`;
}

function surroundings(within: SurroundingObject): string {
  return `${pathLine(within.path)}\nObject: ${within.object}\nValidator: ${within.validator}`;
}

function pathLine(path: string): string {
  return path === "" ? "" : `Path: ${path}`;
}
