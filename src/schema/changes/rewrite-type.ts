/** Rewrites names inside a type: those of the tables that ids refer to, and those of fields at given places. */
import type { ObjectFieldJson, RecordKeyValidatorJson, ValidatorJson } from "../schema-json.js";
import { elementPlace, fieldPlace, root, valuesPlace, type Place } from "../validation/place.js";

/** Gives the new names. Both functions return the name itself where it stays. */
export interface Rewrite {
  readonly table: (tableName: string) => string;
  /** @param place The place of the field, under the name that it has now. */
  readonly field: (name: string, place: Place) => string;
}

/** The type with its names rewritten. */
export function rewriteType(type: ValidatorJson, rewrite: Rewrite, place: Place = root): ValidatorJson {
  switch (type.type) {
    case "id":
      return { type: "id", tableName: rewrite.table(type.tableName) };
    case "array":
      return { type: "array", value: rewriteType(type.value, rewrite, elementPlace(place)) };
    case "union":
      return { type: "union", value: type.value.map((member) => rewriteType(member, rewrite, place)) };
    case "record": {
      const fieldType = rewriteType(type.values.fieldType, rewrite, valuesPlace(place));
      const keys = rewriteKeys(type.keys, rewrite);
      return { type: "record", keys, values: { fieldType, optional: false } };
    }
    case "object": {
      const fields = Object.entries(type.value).map(([name, field]): [string, ObjectFieldJson] => {
        const at = fieldPlace(place, name);
        const fieldType = rewriteType(field.fieldType, rewrite, at);
        return [rewrite.field(name, at), { fieldType, optional: field.optional }];
      });
      return { type: "object", value: Object.fromEntries(fields) };
    }
    default:
      return type;
  }
}

function rewriteKeys(keys: RecordKeyValidatorJson, rewrite: Rewrite): RecordKeyValidatorJson {
  if (keys.type === "id") return { type: "id", tableName: rewrite.table(keys.tableName) };
  if (keys.type === "string") return keys;
  return { type: "union", value: keys.value.map((member) => rewriteKeys(member, rewrite)) };
}

/** The places of all fields of a type, at every depth, as patterns: ".address.city". */
export function fieldPatterns(type: ValidatorJson): ReadonlySet<string> {
  const patterns = new Set<string>();
  const field = (name: string, place: Place): string => {
    patterns.add(place.pattern);
    return name;
  };
  rewriteType(type, { table: (tableName) => tableName, field });
  return patterns;
}

/** The tables that ids of a type refer to. */
export function referredTables(type: ValidatorJson): ReadonlySet<string> {
  const tables = new Set<string>();
  const table = (tableName: string): string => {
    tables.add(tableName);
    return tableName;
  };
  rewriteType(type, { table, field: (name) => name });
  return tables;
}
