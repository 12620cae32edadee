/**
 * Reads a validator from JSON that nobody has checked yet. The result has exactly the declared shape: unknown keys are dropped,
 * so equal validators have equal JSON.
 */
import { jsonToConvex, type JSONValue } from "convex/values";
import type { ObjectFieldJson, RecordKeyValidatorJson, ValidatorJson } from "../schema-json.js";
import { isDeclarableField, isTableReference } from "./identifiers.js";
import { invalidSchema, type SchemaProblem, type SchemaProblemCode } from "./problem.js";

const maxDepth = 64;
const maxObjectFields = 1024;

/**
 * A validator from its JSON, as an object or as text (`exportArgs()` of a function yields text).
 * @throws INVALID_SCHEMA with every problem found.
 */
export function parseValidator(json: unknown): ValidatorJson {
  const reader = new ValidatorReader();
  const validator = reader.read(typeof json === "string" ? parseText(json) : json, "the validator");
  if (reader.problems.length > 0) throw invalidSchema(reader.problems);
  return validator;
}

/** Parses a text as JSON. Returns undefined, which no reader takes, when the text is no JSON. */
export function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether some JSON is an object. */
export function isJsonObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** Whether some JSON is that of a string, number, boolean or bigint. */
function isLiteral(json: unknown): json is JSONValue {
  if (typeof json === "string" || typeof json === "number" || typeof json === "boolean") return true;
  if (!isJsonObject(json) || Object.keys(json).length !== 1) return false;
  const encoded = json["$integer"] ?? json["$float"];
  if (typeof encoded !== "string") return false;
  try {
    jsonToConvex("$integer" in json ? { $integer: encoded } : { $float: encoded });
    return true;
  } catch {
    return false;
  }
}

/** Reads validators and collects what is wrong with them. */
export class ValidatorReader {
  readonly problems: SchemaProblem[] = [];
  readonly #tableName: string | undefined;

  constructor(tableName?: string) {
    this.#tableName = tableName;
  }

  /**
   * @param where The validator's place in words, for messages.
   * @returns The validator; where something is wrong, `any` in its place and a problem.
   */
  read(json: unknown, where: string, depth: number = 0): ValidatorJson {
    if (!isJsonObject(json)) return this.#malformed(`${where} is not a validator.`);
    if (depth > maxDepth) return this.#malformed(`${where} is nested more than ${maxDepth} deep.`);
    switch (json["type"]) {
      case "any":
      case "null":
      case "number":
      case "bigint":
      case "commitTs":
      case "boolean":
      case "string":
      case "bytes":
        return { type: json["type"] };
      case "literal":
        return this.#readLiteral(json["value"], where);
      case "id":
        return this.#readId(json["tableName"], where);
      case "array":
        return { type: "array", value: this.read(json["value"], `${where}[]`, depth + 1) };
      case "record":
        return this.#readRecord(json, where, depth);
      case "object":
        return this.#readObject(json["value"], where, depth);
      case "union":
        return this.#readUnion(json["value"], where, depth);
      default:
        return this.#malformed(`${where} has no known type.`);
    }
  }

  #readLiteral(json: unknown, where: string): ValidatorJson {
    if (isLiteral(json)) return { type: "literal", value: json };
    return this.#malformed(`${where} is a literal of neither a string, number, boolean nor bigint.`);
  }

  #readId(tableName: unknown, where: string): { type: "id"; tableName: string } {
    if (typeof tableName === "string" && isTableReference(tableName)) {
      return { type: "id", tableName };
    }
    this.#add("InvalidTableName", `Invalid table name in the id at ${where}: ${String(tableName)}.`);
    return { type: "id", tableName: "invalid" };
  }

  #readRecord(json: Readonly<Record<string, unknown>>, where: string, depth: number): ValidatorJson {
    const values = json["values"];
    if (!isJsonObject(values) || values["optional"] === true) {
      return this.#malformed(`${where} is a record whose values are not required.`);
    }
    const keys = this.#readRecordKeys(json["keys"], where);
    const fieldType = this.read(values["fieldType"], `${where}{}`, depth + 1);
    return { type: "record", keys, values: { fieldType, optional: false } };
  }

  #readRecordKeys(json: unknown, where: string): RecordKeyValidatorJson {
    if (isJsonObject(json)) {
      const { type, value, tableName } = json;
      if (type === "string") return { type };
      if (type === "id") return this.#readId(tableName, where);
      if (type === "union" && Array.isArray(value)) {
        return { type, value: value.map((member) => this.#readRecordKeys(member, where)) };
      }
    }
    this.#add(
      "InvalidRecordKeys",
      `Record keys must be v.string(), v.id() or a union of these, at ${where}.`,
    );
    return { type: "string" };
  }

  #readObject(json: unknown, where: string, depth: number): ValidatorJson {
    if (!isJsonObject(json)) return this.#malformed(`${where} is an object without fields.`);
    const fields = Object.entries(json);
    if (fields.length > maxObjectFields) {
      this.#add("TooManyFields", `Objects may have up to ${maxObjectFields} fields: ${where}.`);
    }
    const value: [string, ObjectFieldJson][] = [];
    for (const [name, field] of fields) {
      if (!isDeclarableField(name)) {
        this.#add(
          "InvalidFieldName",
          `Invalid field name ${JSON.stringify(name)} in ${where}. Declared fields can only contain letters, digits and underscores, must not start with a digit, and must have a letter.`,
        );
      } else if (!isJsonObject(field)) {
        this.#malformed(`${where}.${name} is not a field.`);
      } else {
        const fieldType = this.read(field["fieldType"], `${where}.${name}`, depth + 1);
        value.push([name, { fieldType, optional: field["optional"] === true }]);
      }
    }
    return { type: "object", value: Object.fromEntries(value) };
  }

  #readUnion(json: unknown, where: string, depth: number): ValidatorJson {
    if (!Array.isArray(json)) return this.#malformed(`${where} is a union without members.`);
    return { type: "union", value: json.map((member) => this.read(member, where, depth + 1)) };
  }

  #malformed(message: string): { type: "any" } {
    this.#add("MalformedSchema", message);
    return { type: "any" };
  }

  #add(code: SchemaProblemCode, message: string): void {
    const tableName = this.#tableName;
    this.problems.push({ code, message, ...(tableName === undefined ? {} : { tableName }) });
  }
}
