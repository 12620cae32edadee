/**
 * Writes validators as source text on one line, as messages show them: `v.object({name: v.string()})`. Fields are sorted and a
 * number is `v.float64()`, as in Convex's own messages. `schema-source.ts` writes the source text for files.
 */
import { jsonToConvex } from "convex/values";
import type { ObjectFieldJson, ValidatorJson } from "../schema-json.js";
import { LineWriter, propertyName, valueText } from "./value-text.js";

/**
 * A validator as one line.
 * @param maxLength Characters; a longer text ends in "…".
 */
export function validatorText(validator: ValidatorJson, maxLength: number = Infinity): string {
  const line = new LineWriter(maxLength);
  writeValidator(line, validator);
  return line.text();
}

/** A field's validator as one line, wrapped in `v.optional` when it is optional. */
export function fieldText(field: ObjectFieldJson, maxLength: number = Infinity): string {
  const line = new LineWriter(maxLength);
  writeField(line, field);
  return line.text();
}

function writeField(line: LineWriter, field: ObjectFieldJson): void {
  if (!field.optional) return writeValidator(line, field.fieldType);
  line.write("v.optional(");
  writeValidator(line, field.fieldType);
  line.write(")");
}

function writeValidator(line: LineWriter, validator: ValidatorJson): void {
  if (line.full) return;
  switch (validator.type) {
    case "number":
      return line.write("v.float64()");
    case "bigint":
      return line.write("v.int64()");
    case "literal":
      return line.write(`v.literal(${valueText(jsonToConvex(validator.value))})`);
    case "id":
      return line.write(`v.id(${JSON.stringify(validator.tableName)})`);
    case "array":
      line.write("v.array(");
      writeValidator(line, validator.value);
      return line.write(")");
    case "record":
      line.write("v.record(");
      writeValidator(line, validator.keys);
      line.write(", ");
      writeValidator(line, validator.values.fieldType);
      return line.write(")");
    case "union":
      return line.list("v.union(", ")", validator.value, (member) => writeValidator(line, member));
    case "object":
      return line.list("v.object({", "})", Object.keys(validator.value).toSorted(), (name) => {
        line.write(`${propertyName(name)}: `);
        const field = validator.value[name];
        if (field !== undefined) writeField(line, field);
      });
    default:
      return line.write(`v.${validator.type}()`);
  }
}
