/**
 * Proposes a value for a field that has none, as source text. The author of the migration is asked to look at it.
 */
import { jsonToConvex } from "convex/values";
import { flatMembers, type ValidatorJson } from "../schema-json.js";
import { propertyName, valueText } from "../source/value-text.js";

/** The source of some value of a type; undefined when only the author can know one, as for an id. */
export function defaultSource(type: ValidatorJson): string | undefined {
  switch (type.type) {
    case "any":
    case "null":
      return "null";
    case "number":
      return "0";
    case "bigint":
    case "commitTs":
      return "0n";
    case "boolean":
      return "false";
    case "string":
      return '""';
    case "bytes":
      return "new ArrayBuffer(0)";
    case "literal":
      return valueText(jsonToConvex(type.value));
    case "id":
      return undefined;
    case "array":
      return "[]";
    case "record":
      return "{}";
    case "object":
      return defaultObject(type);
    case "union":
      return defaultMember(flatMembers(type));
  }
}

function defaultObject(type: Extract<ValidatorJson, { type: "object" }>): string | undefined {
  const fields: string[] = [];
  for (const [name, field] of Object.entries(type.value)) {
    if (field.optional) continue;
    const value = defaultSource(field.fieldType);
    if (value === undefined) return undefined;
    fields.push(`${propertyName(name)}: ${value}`);
  }
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

/** The value of a union: null where it is allowed, since it says the truth, that there is no value. */
function defaultMember(members: readonly ValidatorJson[]): string | undefined {
  if (members.some((member) => member.type === "null")) return "null";
  for (const member of members) {
    const value = defaultSource(member);
    if (value !== undefined) return value;
  }
  return undefined;
}
