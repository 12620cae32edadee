/**
 * What a table's document type says of the fields that are the app's: `_id` and `_creationTime` belong
 * to the database and are left out here, whether or not the schema declares them.
 */
import type { ObjectValidatorJson, TableJson, ValidatorJson } from "./schema-json.js";

/** The fields that the database puts into every document. */
export const systemFields: ReadonlySet<string> = new Set(["_id", "_creationTime"]);

/** A document type as the object types it consists of; or "any". */
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
