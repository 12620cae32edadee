/** Tells what types a table's documents have at each point of its history, as far as schemas and renames say. */
import {
  accepts,
  findTable,
  inverseRename,
  rewriteType,
  withRenamedField,
  type FieldRename,
  type SchemaJson,
  type ValidatorJson,
} from "../../schema/index.js";
import { newNames, type TableRename } from "./steps-input.js";

/** What is enforced of a table's documents, in the names that tables are going to have; null for nothing. */
export function typeIn(
  schema: SchemaJson | null,
  table: string,
  renames: readonly TableRename[] = [],
): ValidatorJson | null {
  if (schema?.schemaValidation !== true) return null;
  const storedAs = renames.find(({ to }) => to === table)?.from ?? table;
  const type = findTable(schema, storedAs)?.documentType;
  if (type === undefined) return null;
  return rewriteType(type, { table: newNames(renames), field: (name) => name });
}

/**
 * The types before, between and after the transforms that one deploy brings for a table: null between two where they are
 * not known, since only a transform that renames a field says what it makes.
 * @param renames What each transform renames; null for one that does something else.
 */
export function typesBetween(
  before: ValidatorJson | null,
  renames: readonly (FieldRename | null)[],
  after: ValidatorJson | null,
): readonly (ValidatorJson | null)[] {
  const types: (ValidatorJson | null)[] = [before, ...renames.slice(1).map(() => null), after];
  for (let at = 1; at < renames.length; at++) types[at] = renamed(types[at - 1], renames[at - 1]);
  for (let at = renames.length - 1; at > 0; at--) {
    const rename = renames[at];
    types[at] ??= renamed(types[at + 1], rename && inverseRename(rename));
  }
  return types;
}

function renamed(
  type: ValidatorJson | null | undefined,
  rename: FieldRename | null | undefined,
): ValidatorJson | null {
  return type && rename ? withRenamedField(type, rename) : null;
}

/** Whether every document of one type is one of the other, too. */
export function isSameType(a: ValidatorJson, b: ValidatorJson): boolean {
  return JSON.stringify(a) === JSON.stringify(b) || (accepts(a, b) && accepts(b, a));
}
