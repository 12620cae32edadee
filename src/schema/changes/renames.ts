/**
 * Applies declared renames. Two schemas cannot tell a rename from a removal and an addition, so the author declares it. Renames
 * are applied first: the old schema is rewritten in the new names, and what then differs has really changed. Ids and index
 * entries do not contain names, so neither has to be rebuilt.
 */
import { TrueupError } from "../../errors/index.js";
import {
  findTable,
  type IndexJson,
  type SchemaJson,
  type SearchIndexJson,
  type TableJson,
  type ValidatorJson,
  type VectorIndexJson,
} from "../schema-json.js";
import { fieldPatterns, rewriteType } from "./rewrite-type.js";
import { placeChange, tableChange, type SchemaChange } from "./schema-change.js";

/** Renames as their author declares them. */
export interface SchemaRenames {
  /** New table names by old ones. */
  readonly tables?: Readonly<Record<string, string>>;
  /**
   * By table (by its new name, or by its old one where no other table takes that): the new names of fields by their old
   * paths, `name`, `address.zip`, `items[].sku`. A field keeps its place, so its new name is a name and no path.
   */
  readonly fields?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The new names of fields by their old patterns: from `.address.zip` to `postcode`. */
export type FieldRenames = ReadonlyMap<string, string>;

/** An old schema in the names of the new one. */
export interface RenamedSchema {
  /** The schema with all renames applied, which is compared with the new schema. */
  readonly schema: SchemaJson;
  /** The schema with the renames of tables only, which is what the stored documents look like. */
  readonly stored: SchemaJson;
  /** One change for each rename. */
  readonly changes: readonly SchemaChange[];
  /** By the new name of the table: the new names of its fields by their old patterns, `.name`. */
  readonly fields: ReadonlyMap<string, FieldRenames>;
}

/**
 * Rewrites the old schema in the names of the new one.
 * @throws INVALID_RENAME when one side of a rename does not exist, or the other side already did.
 */
export function applyRenames(before: SchemaJson, after: SchemaJson, renames: SchemaRenames): RenamedSchema {
  const tables = new Map(Object.entries(renames.tables ?? {}));
  for (const [from, to] of tables) checkTableRename(before, after, tables, from, to);
  const targets = new Set(tables.values());
  const newName = (tableName: string): string => tables.get(tableName) ?? tableName;

  const fields = new Map<string, Map<string, string>>();
  for (const [tableName, paths] of Object.entries(renames.fields ?? {})) {
    const patterns = Object.entries(paths).map(([path, name]) => [`.${path}`, name] as const);
    fields.set(targets.has(tableName) ? tableName : newName(tableName), new Map(patterns));
  }
  const renamed = (names: ReadonlyMap<string, FieldRenames>): SchemaJson => ({
    ...before,
    tables: before.tables.map((table) =>
      renameTable(table, newName, names.get(newName(table.tableName)) ?? new Map()),
    ),
  });
  const changes = [...tables].map(([from, to]) =>
    tableChange("table-renamed", to, { before: from, after: to }),
  );
  for (const [tableName, patterns] of fields) {
    const was = before.tables.find((table) => newName(table.tableName) === tableName);
    const is = findTable(after, tableName);
    for (const pattern of patterns.keys()) {
      const path = renamedPattern(pattern, patterns);
      checkFieldRename(tableName, was?.documentType, is?.documentType, patterns, pattern);
      const parts = { before: pattern.slice(1), after: path.slice(1) };
      changes.push(placeChange("field-renamed", tableName, { path, pattern: path }, parts));
    }
  }
  return { schema: renamed(fields), stored: renamed(new Map()), changes, fields };
}

/**
 * Parses renames as they are written on a command line: `users=people`, `users.name=fullName`.
 * @throws INVALID_RENAME
 */
export function parseRenames(texts: readonly string[]): SchemaRenames {
  const tables: Record<string, string> = {};
  const fields: Record<string, Record<string, string>> = {};
  for (const text of texts) {
    const match = /^(\w+)(?:\.([\w.[\]]+))?=(\w+)$/.exec(text);
    const [, tableName, path, name] = match ?? [];
    if (tableName === undefined || name === undefined) {
      throw invalidRename(`"${text}" is not a rename.`, { rename: text });
    }
    if (path === undefined) tables[tableName] = name;
    else fields[tableName] = { ...fields[tableName], [path]: name };
  }
  return { tables, fields };
}

/** The pattern of a place in new names, given the one in old names. */
function renamedPattern(pattern: string, fields: FieldRenames): string {
  let old = "";
  let renamed = "";
  for (const step of pattern.match(/\.\w+(\(\))?|[^.\w][^.]*/g) ?? []) {
    old += step;
    const name = fields.get(old);
    renamed += name === undefined ? step : `.${name}`;
  }
  return renamed;
}

/** A rename of one field: its path, and its new name in the same place. */
export interface FieldRename {
  readonly from: string;
  readonly to: string;
}

/** Composes renames that are made one after the other: the last names of fields by the paths that they have at the beginning. */
export function composeFieldRenames(steps: Iterable<FieldRename>): Readonly<Record<string, string>> {
  const patterns = new Map<string, string>();
  for (const { from, to } of steps) {
    const old = renamedPattern(`.${from}`, inverseRenames(patterns));
    if (to === lastName(old)) patterns.delete(old);
    else patterns.set(old, to);
  }
  return Object.fromEntries([...patterns].map(([pattern, name]) => [pattern.slice(1), name]));
}

/** The type of a table's documents after one of its fields is renamed; null where it cannot be renamed. */
export function withRenamedField(type: ValidatorJson, { from, to }: FieldRename): ValidatorJson | null {
  const renames = new Map([[`.${from}`, to]]);
  const known = fieldPatterns(type);
  if (!known.has(`.${from}`) || known.has(renamedPattern(`.${from}`, renames))) return null;
  return rewriteType(type, {
    table: (tableName) => tableName,
    field: (name, place) => renames.get(place.pattern) ?? name,
  });
}

/** The rename that undoes the given one. */
export function inverseRename({ from, to }: FieldRename): FieldRename {
  const renamed = renamedPattern(`.${from}`, new Map([[`.${from}`, to]]));
  return { from: renamed.slice(1), to: lastName(from) };
}

/** The renames that undo the given ones. */
export function inverseRenames(fields: FieldRenames): FieldRenames {
  const inverse = new Map<string, string>();
  for (const pattern of fields.keys()) {
    inverse.set(renamedPattern(pattern, fields), lastName(pattern));
  }
  return inverse;
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

function renameTable(
  table: TableJson,
  newName: (tableName: string) => string,
  fields: FieldRenames,
): TableJson {
  const rewrite = (type: ValidatorJson): ValidatorJson =>
    rewriteType(type, {
      table: newName,
      field: (name, place) => fields.get(place.pattern) ?? name,
    });
  const path = (fieldPath: string): string => renamedPattern(`.${fieldPath}`, fields).slice(1);
  const database = (index: IndexJson): IndexJson => ({ ...index, fields: index.fields.map(path) });
  const search = (index: SearchIndexJson): SearchIndexJson => ({
    ...index,
    searchField: path(index.searchField),
    filterFields: index.filterFields.map(path),
  });
  const vector = (index: VectorIndexJson): VectorIndexJson => ({
    ...index,
    vectorField: path(index.vectorField),
    filterFields: index.filterFields.map(path),
  });
  const { stagedDocumentType: staged } = table;
  return {
    tableName: newName(table.tableName),
    indexes: table.indexes.map(database),
    stagedDbIndexes: table.stagedDbIndexes.map(database),
    searchIndexes: table.searchIndexes.map(search),
    stagedSearchIndexes: table.stagedSearchIndexes.map(search),
    vectorIndexes: table.vectorIndexes.map(vector),
    stagedVectorIndexes: table.stagedVectorIndexes.map(vector),
    documentType: rewrite(table.documentType),
    ...(staged === undefined ? {} : { stagedDocumentType: rewrite(staged) }),
  };
}

/** Tables may swap names: a table that is renamed too does not stand in the way. @throws INVALID_RENAME */
function checkTableRename(
  before: SchemaJson,
  after: SchemaJson,
  renames: ReadonlyMap<string, string>,
  from: string,
  to: string,
): void {
  const details = { from, to };
  if (findTable(before, from) === undefined) {
    throw invalidRename(`There was no table "${from}" to rename.`, details);
  }
  if (findTable(after, to) === undefined) {
    throw invalidRename(`The new schema has no table "${to}" for "${from}" to become.`, details);
  }
  if (findTable(before, to) !== undefined && !renames.has(to)) {
    throw invalidRename(`"${from}" cannot become "${to}": that table was there already.`, details);
  }
  if (findTable(after, from) !== undefined && ![...renames.values()].includes(from)) {
    throw invalidRename(`"${from}" cannot become "${to}": the new schema still has it.`, details);
  }
}

function checkFieldRename(
  tableName: string,
  before: ValidatorJson | undefined,
  after: ValidatorJson | undefined,
  renames: FieldRenames,
  pattern: string,
): void {
  const renamed = renamedPattern(pattern, renames);
  const from = `${tableName}${pattern}`;
  const to = `${tableName}${renamed}`;
  const details = { from, to };
  if (before === undefined || after === undefined) {
    throw invalidRename(`There is no table "${tableName}" in both schemas.`, details);
  }
  const [old, now] = [fieldPatterns(before), fieldPatterns(after)];
  if (!old.has(pattern)) throw invalidRename(`There was no field ${from} to rename.`, details);
  if (!now.has(renamed)) {
    throw invalidRename(`The new schema has no field ${to} for ${from} to become.`, details);
  }
  if (old.has(renamed) && !renames.has(renamed)) {
    throw invalidRename(`${from} cannot become ${to}: that field was there already.`, details);
  }
  if (now.has(pattern) && ![...renames.keys()].some((other) => renamedPattern(other, renames) === pattern)) {
    throw invalidRename(`${from} cannot become ${to}: the new schema still has it.`, details);
  }
}

function invalidRename(message: string, details: Readonly<Record<string, string>>): TrueupError {
  return new TrueupError("INVALID_RENAME", message, details);
}
