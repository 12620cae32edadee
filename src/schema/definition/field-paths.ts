/** Which dotted paths a document type can have a value at: what an index may name. */
import type { ValidatorJson } from "../schema-json.js";

/** True when some value of the type can have a field at the path. */
export function canHoldField(type: ValidatorJson, path: string): boolean {
  return typesAt(type, path.split(".")).length > 0;
}

/** True when some value of the type can have an array of numbers at the path. */
export function canHoldVector(type: ValidatorJson, path: string): boolean {
  return typesAt(type, path.split(".")).some(
    (at) => at.type === "any" || (at.type === "array" && isNumber(at.value)),
  );
}

function isNumber(type: ValidatorJson): boolean {
  return type.type === "number" || type.type === "any";
}

/** The types that a value at the path can have, unions taken apart. */
function typesAt(type: ValidatorJson, path: readonly string[]): readonly ValidatorJson[] {
  if (type.type === "union") return type.value.flatMap((member) => typesAt(member, path));
  const [field, ...rest] = path;
  if (field === undefined || type.type === "any") return [type];
  if (type.type === "record") return typesAt(type.values.fieldType, rest);
  if (type.type !== "object" || !Object.hasOwn(type.value, field)) return [];
  const declared = type.value[field];
  return declared === undefined ? [] : typesAt(declared.fieldType, rest);
}
