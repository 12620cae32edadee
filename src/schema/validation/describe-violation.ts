/**
 * Violations as messages, in the words that Convex users know from their terminal and that tools
 * already look for.
 */
import type { SurroundingObject, Violation } from "./violation.js";

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
 * All violations of one value as one message: a single one is described as it is, several are counted
 * and listed.
 */
export function describeViolations(violations: readonly Violation[]): string {
  const [first] = violations;
  if (first === undefined) return "";
  if (violations.length === 1) return describeViolation(first);
  const items = violations.map((violation, index) => `${index + 1}. ${describeViolation(violation)}`);
  return `Value has ${violations.length} violations of its validator.\n\n${items.join("\n\n")}`;
}

/** What a write that the schema refuses is told. */
export function describeRefusedWrite(tableName: string, violations: readonly Violation[]): string {
  return `Failed to insert or update a document in table "${tableName}" because it does not match the schema: ${describeViolations(violations)}`;
}

/** What is said of a stored document that a new schema does not fit. */
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
