/**
 * What a table's document type says of the fields that are the app's. `_id` and `_creationTime` belong to the database and are
 * left out here, whether or not the schema declares them.
 */
import type { ObjectValidatorJson, TableJson, ValidatorJson } from "./schema-json.js";

/** The fields that the database puts into every document. */
export const systemFields: ReadonlySet<string> = new Set(["_id", "_creationTime"]);

/** The object types that a document type consists of, or "any". */
export function documentMembers(type: ValidatorJson): readonly ObjectValidatorJson[] | "any" {
  const members: ObjectValidatorJson[] = [];
  const pending: ValidatorJson[] = [type];
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (next.type === "any") return "any";
    if (next.type === "union") pending.unshift(...next.value);
    if (next.type === "object") members.push(withoutSystemFields(next));
  }
  return members;
}

/** A table's document type: `any`, one object, or a flat union of objects. */
export function documentType(table: TableJson): ValidatorJson {
  const members = documentMembers(table.documentType);
  if (members === "any") return { type: "any" };
  const [only] = members;
  return members.length === 1 && only !== undefined ? only : { type: "union", value: [...members] };
}

function withoutSystemFields(type: ObjectValidatorJson): ObjectValidatorJson {
  const fields = Object.entries(type.value);
  if (!fields.some(([name]) => systemFields.has(name))) return type;
  return {
    type: "object",
    value: Object.fromEntries(fields.filter(([name]) => !systemFields.has(name))),
  };
}

/** Whether some value of the type can have a field at the path. */
export function canHoldField(type: ValidatorJson, path: string): boolean {
  return typesAt(type, path.split(".")).length > 0;
}

/** Whether some value of the type can have an array of numbers at the path. */
export function canHoldVector(type: ValidatorJson, path: string): boolean {
  return typesAt(type, path.split(".")).some(
    (at) => at.type === "any" || (at.type === "array" && isNumber(at.value)),
  );
}

function isNumber(type: ValidatorJson): boolean {
  return type.type === "number" || type.type === "any";
}

/** The types that a value at the path can have; the members of a union stand for the union. */
function typesAt(type: ValidatorJson, path: readonly string[]): readonly ValidatorJson[] {
  if (type.type === "union") return type.value.flatMap((member) => typesAt(member, path));
  const [field, ...rest] = path;
  if (field === undefined || type.type === "any") return [type];
  if (type.type === "record") return typesAt(type.values.fieldType, rest);
  if (type.type !== "object" || !Object.hasOwn(type.value, field)) return [];
  const declared = type.value[field];
  return declared === undefined ? [] : typesAt(declared.fieldType, rest);
}
