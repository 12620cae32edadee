/**
 * The wider side of a comparison: the validators any of which may take a value, sorted by the kind of value that they take. A
 * union is nothing more than its members, so only its members appear here.
 */
import { jsonToConvex } from "convex/values";
import type { ObjectValidatorJson, ValidatorJson } from "../schema-json.js";

export type RecordValidatorJson = Extract<ValidatorJson, { type: "record" }>;

/** The kinds of value that have no parts. */
export type ScalarKind = "bigint" | "boolean" | "bytes" | "null" | "number" | "string";

/** A value that was found outside of some validators; undefined when there is none. */
export type Outside = { readonly value: unknown } | undefined;

/** The validators that a value may fit, sorted. */
export interface Alternatives {
  /** Whether every value fits. */
  readonly any: boolean;
  readonly scalars: ReadonlySet<ScalarKind>;
  /** Keys as `literalKey` makes them. */
  readonly literals: ReadonlySet<string>;
  /** Tables whose ids fit. */
  readonly tables: ReadonlySet<string>;
  /** Element validators of the arrays. */
  readonly arrays: readonly ValidatorJson[];
  readonly records: readonly RecordValidatorJson[];
  readonly objects: readonly ObjectValidatorJson[];
}

/** A text that identifies a literal. Values that one literal validator takes have the same text. */
export function literalKey(value: unknown): string {
  return `${typeof value} ${Object.is(value, -0) ? "-0" : String(value)}`;
}

/** A list of validators as alternatives. O(members). */
export function alternativesOf(validators: readonly ValidatorJson[]): Alternatives {
  let any = false;
  const scalars = new Set<ScalarKind>();
  const literals = new Set<string>();
  const tables = new Set<string>();
  const arrays: ValidatorJson[] = [];
  const records: RecordValidatorJson[] = [];
  const objects: ObjectValidatorJson[] = [];

  const add = (validator: ValidatorJson): void => {
    switch (validator.type) {
      case "any":
        any = true;
        break;
      case "union":
        validator.value.forEach(add);
        break;
      case "literal":
        literals.add(literalKey(jsonToConvex(validator.value)));
        break;
      case "id":
        tables.add(validator.tableName);
        break;
      case "array":
        arrays.push(validator.value);
        break;
      case "record":
        records.push(validator);
        break;
      case "object":
        objects.push(validator);
        break;
      case "commitTs":
        scalars.add("bigint");
        break;
      default:
        scalars.add(validator.type);
    }
  };
  validators.forEach(add);
  return { any, scalars, literals, tables, arrays, records, objects };
}

/** Alternatives that take no value. */
export const nothing: Alternatives = alternativesOf([]);
