/**
 * The schema in force as a plan compares it with the next one, in the names that tables and fields are going to have. The
 * renames of tables are known to fit the data. Here each rename that the two schemas do not know of is left out by itself, so
 * that the others stay declared.
 */
import { isTrueupError } from "../../errors/index.js";
import { applyRenames, findTable, type SchemaJson, type SchemaRenames } from "../../schema/index.js";
import type { ComponentSteps } from "../steps/component-steps.js";

export interface RenamedSchema {
  /** The schema in force without the empty tables whose names others take. */
  readonly before: SchemaJson | null;
  /** The same in the names that tables are going to have: what is held to be true of documents. */
  readonly stored: SchemaJson | null;
  readonly renames: SchemaRenames;
}

export function renamedSchema(
  inForce: SchemaJson | null,
  after: SchemaJson | null,
  { declaredRenames, makeWay }: ComponentSteps,
): RenamedSchema {
  if (inForce === null || after === null) return { before: inForce, stored: inForce, renames: {} };
  const before = {
    ...inForce,
    tables: inForce.tables.filter(({ tableName }) => !makeWay.includes(tableName)),
  };
  const isKnown = ([from, to]: readonly [string, string]): boolean =>
    findTable(before, from) !== undefined && findTable(after, to) !== undefined;
  const tables = Object.fromEntries(Object.entries(declaredRenames.tables ?? {}).filter(isKnown));
  let fields: NonNullable<SchemaRenames["fields"]> = {};
  for (const [table, names] of Object.entries(declaredRenames.fields ?? {})) {
    for (const known of [names, ...Object.entries(names).map(([path, name]) => ({ [path]: name }))]) {
      const tried = { ...fields, [table]: { ...fields[table], ...known } };
      if (isValid(before, after, { tables, fields: tried })) fields = tried;
    }
  }
  return { before, stored: applyRenames(before, after, { tables }).stored, renames: { tables, fields } };
}

/** Whether a plan can take the renames: it cannot where only transforms in between know the fields. */
function isValid(before: SchemaJson, after: SchemaJson, renames: SchemaRenames): boolean {
  try {
    applyRenames(before, after, renames);
    return true;
  } catch (error) {
    if (isTrueupError(error) && error.code === "INVALID_RENAME") return false;
    throw error;
  }
}
