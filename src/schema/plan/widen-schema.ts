/**
 * The schema between two others: every document that fits either of them fits it, and it has the indexes of both. It is
 * deployed first where a change takes several deploys. Its types keep structure where they can, so that they read like what a
 * person would write: fields that only one side has become optional, and members of unions are merged one by one.
 */
import { canHoldField, documentType } from "../document-type.js";
import {
  flatMembers,
  findTable,
  indexesOf,
  type SchemaJson,
  type TableJson,
  type ObjectFieldJson,
  type ObjectValidatorJson,
  type RecordKeyValidatorJson,
  type ValidatorJson,
} from "../schema-json.js";
import { pairMembers, sameType } from "../changes/pair-members.js";
import { accepts } from "../subtyping/accepts.js";

const maxIndexes = 64;

/**
 * The widened schema. It keeps the tables that the new schema lacks, and validates documents only where both schemas do.
 * @param before The old schema, with the new names of its tables.
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
  const taken = new Set(indexesOf(after).map(({ index }) => index.indexDescriptor));
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

/** A type that accepts both. The fields and members of `after` come first. */
export function mergeTypes(before: ValidatorJson, after: ValidatorJson): ValidatorJson {
  if (accepts(after, before)) return after;
  if (accepts(before, after)) return before;
  if (before.type === "object" && after.type === "object") return mergeObjects(before, after);
  if (before.type === "array" && after.type === "array") {
    return { type: "array", value: mergeTypes(before.value, after.value) };
  }
  if (before.type === "record" && after.type === "record") {
    const fieldType = mergeTypes(before.values.fieldType, after.values.fieldType);
    const keys = mergeKeys(before.keys, after.keys);
    return { type: "record", keys, values: { fieldType, optional: false } };
  }
  return mergeMembers(before, after);
}

function mergeObjects(before: ObjectValidatorJson, after: ObjectValidatorJson): ValidatorJson {
  const merged = Object.entries(after.value).map(([name, field]): [string, ObjectFieldJson] => {
    const earlier = Object.hasOwn(before.value, name) ? before.value[name] : undefined;
    if (earlier === undefined) return [name, { ...field, optional: true }];
    const fieldType = mergeTypes(earlier.fieldType, field.fieldType);
    return [name, { fieldType, optional: earlier.optional || field.optional }];
  });
  const gone = Object.entries(before.value)
    .filter(([name]) => !Object.hasOwn(after.value, name))
    .map(([name, field]): [string, ObjectFieldJson] => [name, { ...field, optional: true }]);
  return { type: "object", value: Object.fromEntries([...merged, ...gone]) };
}

function mergeKeys(before: RecordKeyValidatorJson, after: RecordKeyValidatorJson): RecordKeyValidatorJson {
  if (accepts(after, before)) return after;
  return accepts(before, after) ? before : { type: "union", value: [after, before] };
}

function mergeMembers(before: ValidatorJson, after: ValidatorJson): ValidatorJson {
  const [was, is] = [flatMembers(before), flatMembers(after)];
  const { pairs, removed } = pairMembers(was, is);
  const kept = is.map((member) => {
    const pair = pairs.find((each) => each.after === member);
    return pair === undefined ? member : mergeTypes(pair.before, member);
  });
  const members: ValidatorJson[] = [];
  for (const member of [...kept, ...removed]) {
    if (!members.some((other) => sameType(other, member))) members.push(member);
  }
  const [only] = members;
  return members.length === 1 && only !== undefined ? only : { type: "union", value: members };
}
