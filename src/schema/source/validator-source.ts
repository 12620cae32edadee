/**
 * Validators as TypeScript source for files: what `v.object({...})` was before it became JSON. Keeps the
 * order of fields and members; breaks a line that would grow past the width, as a formatter would.
 */
import { jsonToConvex } from "convex/values";
import type { ObjectFieldJson, ValidatorJson } from "../schema-json.js";
import { propertyName, valueText } from "./value-text.js";

const maxWidth = 80;

/**
 * A validator as source that evaluates to the same JSON, given `v` of `convex/values`.
 * @param indent The depth of the line that it begins on, in steps of two spaces.
 */
export function validatorSource(validator: ValidatorJson, indent: number = 0): string {
  switch (validator.type) {
    case "number":
      return "v.number()";
    case "bigint":
      return "v.int64()";
    case "literal":
      return `v.literal(${valueText(jsonToConvex(validator.value))})`;
    case "id":
      return `v.id(${JSON.stringify(validator.tableName)})`;
    case "array":
      return `v.array(${validatorSource(validator.value, indent)})`;
    case "record": {
      const keys = validatorSource(validator.keys, indent);
      return `v.record(${keys}, ${validatorSource(validator.values.fieldType, indent)})`;
    }
    case "object":
      return `v.object(${fieldsSource(validator.value, indent)})`;
    case "union": {
      const members = (depth: number): string[] =>
        validator.value.map((member) => validatorSource(member, depth));
      return brackets("v.union(", ")", members, indent);
    }
    default:
      return `v.${validator.type}()`;
  }
}

/** The fields of an object validator as an object literal of validators. */
export function fieldsSource(fields: Readonly<Record<string, ObjectFieldJson>>, indent: number = 0): string {
  const entries = (depth: number): string[] =>
    Object.entries(fields).map(([name, field]) => {
      const type = validatorSource(field.fieldType, depth);
      return `${propertyName(name)}: ${field.optional ? `v.optional(${type})` : type}`;
    });
  return brackets("{", "}", entries, indent, " ");
}

/**
 * A bracketed list on one line when it is short enough, else one item a line.
 * @param items The items for lines at the given depth.
 * @param space What stands inside the brackets of a single line.
 * @param used The characters that stand before it on its line, the indent aside.
 */
export function brackets(
  open: string,
  close: string,
  items: (depth: number) => readonly string[],
  indent: number,
  space: string = "",
  used: number = 0,
): string {
  const inline = items(indent);
  if (inline.length === 0) return open + close;
  const line = `${open}${space}${inline.join(", ")}${space}${close}`;
  if (!line.includes("\n") && line.length + indent * 2 + used <= maxWidth) return line;
  const inner = "  ".repeat(indent + 1);
  const lines = items(indent + 1).map((item) => `${inner}${item},\n`);
  return `${open}\n${lines.join("")}${"  ".repeat(indent)}${close}`;
}
