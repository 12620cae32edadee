/** Why `convex-test` refuses a value: the first thing that it comes upon on its way through the value, in its words. */
import { convexToJson, jsonToConvex, type Value } from "convex/values";
import type { CheckedValue, ValidatorJson } from "../schema/index.js";
import { isPlainObject } from "../values/index.js";

type Context = CheckedValue["context"];

/** Null when the mock would take the value. */
export function mockRefusal(validator: ValidatorJson, value: unknown, context: Context): string | null {
  switch (validator.type) {
    case "null":
      return value === null ? null : expected("null", value);
    case "number":
    case "bigint":
    case "boolean":
    case "string":
      return typeof value === validator.type ? null : expected(validator.type, value);
    case "bytes":
      return value instanceof ArrayBuffer ? null : expected("ArrayBuffer", value);
    case "literal": {
      const literal = jsonToConvex(validator.value);
      return value === literal ? null : expected(text(literal), value);
    }
    case "id":
      if (typeof value !== "string") return expected("string", value);
      if (context.tableOfId(value) === validator.tableName) return null;
      return `Validator error: Expected ID for table "${validator.tableName}", got \`${value}\``;
    case "array":
      if (!Array.isArray(value)) return expected("Array", value);
      return firstOf(value, (item) => mockRefusal(validator.value, item, context));
    case "union": {
      if (validator.value.some((member) => mockRefusal(member, value, context) === null)) return null;
      const types = validator.value.map((member) => member.type).join(", ");
      const json = JSON.stringify(convexToJson(value as Value));
      return `Validator error: Expected one of ${types}, got \`${json}\``;
    }
    case "object":
      return objectRefusal(validator, value, context);
    default:
      return null;
  }
}

function objectRefusal(
  validator: Extract<ValidatorJson, { type: "object" }>,
  value: unknown,
  context: Context,
): string | null {
  if (typeof value !== "object" || value === null) return expected("object", value);
  if (!isPlainObject(value)) {
    return `Validator error: Expected a plain old JavaScript \`object\`, got \`${text(value)}\``;
  }
  const refused = firstOf(Object.entries(validator.value), ([name, { fieldType, optional }]) => {
    if (value[name] !== undefined) return mockRefusal(fieldType, value[name], context);
    return optional ? null : `Validator error: Missing required field \`${name}\` in object`;
  });
  const extra = Object.keys(value).find((name) => !Object.hasOwn(validator.value, name));
  return refused ?? (extra === undefined ? null : `Validator error: Unexpected field \`${extra}\` in object`);
}

function firstOf<T>(items: readonly T[], refusalOf: (item: T) => string | null): string | null {
  for (const item of items) {
    const refusal = refusalOf(item);
    if (refusal !== null) return refusal;
  }
  return null;
}

function expected(what: string, value: unknown): string {
  return `Validator error: Expected \`${what}\`, got \`${text(value)}\``;
}

/** As a template has it. */
function text(value: unknown): string {
  return String(value);
}
