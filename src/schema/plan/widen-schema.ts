/**
 * The schema between two others: every document that fits either of them fits it, and the indexes of
 * both are there. It is what is deployed first where a change takes several deploys.
 */
import { canHoldField } from "../definition/field-paths.js";
import { documentType } from "../document-type.js";
import { findTable, type SchemaJson, type TableJson } from "../schema-json.js";
import { mergeTypes } from "./merge-types.js";

const maxIndexes = 64;

/**
 * The widened schema. Tables that the new schema lacks stay; where neither side held the documents to a
 * type it does not either.
 * @param before The old schema, its tables by their new names.
 */
export function widenSchema(before: SchemaJson, after: SchemaJson): SchemaJson {
  const tables = after.tables.map((table) => {
    const was = findTable(before, table.tableName);
    return was === undefined ? table : widenTable(was, table);
  });
  const removed = before.tables.filter((table) => findTable(after, table.tableName) === undefined);
  return {
    tables: [...tables, ...removed],
    schemaValidation: before.schemaValidation && after.schemaValidation,
  };
}

function widenTable(before: TableJson, after: TableJson): TableJson {
  const merged = mergeTypes(documentType(before), documentType(after));
  const taken = new Set(allNames(after));
  let room = maxIndexes - taken.size;
  /** The old indexes that can stand beside the new ones. */
  const older = <Index extends { readonly indexDescriptor: string }>(
    indexes: readonly Index[],
    now: readonly Index[],
    key: (index: Index) => string,
    fields: (index: Index) => readonly string[],
  ): readonly Index[] =>
    indexes.filter((index) => {
      const clashes = taken.has(index.indexDescriptor) || now.some((is) => key(is) === key(index));
      const possible = fields(index).every((field) => canHoldField(merged, field));
      if (clashes || !possible || room <= 0) return false;
      taken.add(index.indexDescriptor);
      room--;
      return true;
    });
  return {
    ...after,
    documentType: merged,
    indexes: [
      ...after.indexes,
      ...older(
        before.indexes,
        [...after.indexes, ...after.stagedDbIndexes],
        (index) => JSON.stringify(index.fields),
        (index) => index.fields,
      ),
    ],
    searchIndexes: [
      ...after.searchIndexes,
      ...older(
        before.searchIndexes,
        [...after.searchIndexes, ...after.stagedSearchIndexes],
        (index) => index.searchField,
        (index) => [index.searchField, ...index.filterFields],
      ),
    ],
    vectorIndexes: [
      ...after.vectorIndexes,
      ...older(
        before.vectorIndexes,
        [...after.vectorIndexes, ...after.stagedVectorIndexes],
        (index) => index.vectorField,
        (index) => [index.vectorField, ...index.filterFields],
      ),
    ],
  };
}

function allNames(table: TableJson): readonly string[] {
  return [
    ...table.indexes,
    ...table.stagedDbIndexes,
    ...table.searchIndexes,
    ...table.stagedSearchIndexes,
    ...table.vectorIndexes,
    ...table.stagedVectorIndexes,
  ].map((index) => index.indexDescriptor);
}
