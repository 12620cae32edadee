/**
 * Searches for a value that fits one validator and none of several others. The search is exact. The kinds of value are
 * disjoint, so each is compared with its own kind alone. A list is outside of a union of list types as soon as each of them
 * refuses some element. An object is outside of a union of object types when every one of them refuses some field, which
 * `outside-object.ts` decides.
 */
import { jsonToConvex } from "convex/values";
import type { RecordKeyValidatorJson, ValidatorJson } from "../schema-json.js";
import {
  alternativesOf,
  literalKey,
  nothing,
  type Alternatives,
  type Outside,
  type RecordValidatorJson,
  type ScalarKind,
} from "./alternatives.js";
import { findOutsideObject } from "./outside-object.js";

/** Thrown when a search has used up its steps. */
export class BudgetSpent extends Error {}

const anything: ValidatorJson = { type: "any" };

/** The kinds of value that `any` stands for. Scalars come first, because they end the recursion of `any`. */
const anyMembers: readonly ValidatorJson[] = [
  { type: "string" },
  { type: "number" },
  { type: "bigint" },
  { type: "boolean" },
  { type: "bytes" },
  { type: "null" },
  { type: "record", keys: { type: "string" }, values: { fieldType: anything, optional: false } },
  { type: "array", value: anything },
];

/** One search, with its budget and its supply of sample values. */
export class OutsideSearch {
  #stepsLeft: number;
  #serial = 0;

  constructor(maxSteps: number) {
    this.#stepsLeft = maxSteps;
  }

  /**
   * A value that fits `type` and none of the alternatives.
   * @throws BudgetSpent
   */
  find(type: ValidatorJson, alternatives: Alternatives): Outside {
    if (this.#stepsLeft-- <= 0) throw new BudgetSpent();
    if (alternatives.any) return undefined;
    switch (type.type) {
      case "any":
        return this.#findAmong(anyMembers, alternatives);
      case "union":
        return this.#findAmong(type.value, alternatives);
      case "literal":
        return findLiteral(jsonToConvex(type.value), alternatives);
      case "id":
        return this.#findId(type.tableName, alternatives);
      case "array":
        return this.#findArray(type.value, alternatives.arrays);
      case "record":
        return this.#findRecord(type, alternatives);
      case "object":
        return findOutsideObject((...of) => this.find(...of), type, alternatives);
      case "boolean":
        return findLiteral(true, alternatives) ?? findLiteral(false, alternatives);
      case "commitTs":
        return this.#findScalar("bigint", alternatives);
      default:
        return this.#findScalar(type.type, alternatives);
    }
  }

  #findAmong(members: readonly ValidatorJson[], alternatives: Alternatives): Outside {
    for (const member of members) {
      const outside = this.find(member, alternatives);
      if (outside !== undefined) return outside;
    }
    return undefined;
  }

  #findScalar(kind: ScalarKind, alternatives: Alternatives): Outside {
    if (alternatives.scalars.has(kind)) return undefined;
    let value: unknown;
    do {
      value = sampleScalar(kind, ++this.#serial);
    } while (alternatives.literals.has(literalKey(value)));
    return { value };
  }

  #findId(tableName: string, alternatives: Alternatives): Outside {
    if (alternatives.scalars.has("string") || alternatives.tables.has(tableName)) return undefined;
    return { value: sampleId(tableName, ++this.#serial) };
  }

  #findArray(element: ValidatorJson, arrays: readonly ValidatorJson[]): Outside {
    const value: unknown[] = [];
    for (const array of arrays) {
      const outside = this.find(element, alternativesOf([array]));
      if (outside === undefined) return undefined;
      value.push(outside.value);
    }
    return { value };
  }

  /**
   * A record with an entry that each record type refuses. There is no end of keys, so it also has a key that no object type
   * declares, unless only the empty record fits its type.
   */
  #findRecord(type: RecordValidatorJson, alternatives: Alternatives): Outside {
    const keys = asValidator(type.keys);
    const values = type.values.fieldType;
    const sample = this.find(values, nothing);
    const declared = new Set(alternatives.objects.flatMap((object) => Object.keys(object.value)));
    if (sample === undefined || this.#freshKey(keys, nothing, declared) === undefined) {
      return takesEmptyObject(alternatives) ? undefined : { value: {} };
    }
    const entries: [string, unknown][] = [];
    for (const record of alternatives.records) {
      const refused = this.find(values, alternativesOf([record.values.fieldType]));
      const taken = refused === undefined ? alternativesOf([asValidator(record.keys)]) : nothing;
      const key = this.#freshKey(keys, taken, declared);
      if (key === undefined) return undefined;
      entries.push([key, (refused ?? sample).value]);
    }
    const key = this.#freshKey(keys, nothing, declared);
    if (entries.length === 0 && key !== undefined) entries.push([key, sample.value]);
    return { value: Object.fromEntries(entries) };
  }

  /** A new key of the type, outside the alternatives and not among the given names. */
  #freshKey(keys: ValidatorJson, alternatives: Alternatives, names: ReadonlySet<string>): string | undefined {
    for (;;) {
      const key = this.find(keys, alternatives);
      if (key === undefined || typeof key.value !== "string") return undefined;
      if (!names.has(key.value)) return key.value;
    }
  }
}

function findLiteral(value: unknown, alternatives: Alternatives): Outside {
  const kind = typeof value;
  const { scalars, literals } = alternatives;
  if (kind === "string" || kind === "number" || kind === "bigint" || kind === "boolean") {
    if (scalars.has(kind)) return undefined;
  }
  return literals.has(literalKey(value)) ? undefined : { value };
}

function takesEmptyObject(alternatives: Alternatives): boolean {
  return (
    alternatives.records.length > 0 ||
    alternatives.objects.some((object) => Object.values(object.value).every((field) => field.optional))
  );
}

/** A record's key validator as a validator of the key's text. */
function asValidator(keys: RecordKeyValidatorJson): ValidatorJson {
  return keys;
}

/** A text that stands for an id of a table. It is no real id, but may be the key of a record. Each number makes another one. */
export function sampleId(tableName: string, serial: number): string {
  return `<id ${serial} of ${tableName}>`;
}

/** The table of a `sampleId`; null for any other string. */
export function tableOfSampleId(id: string): string | null {
  return /^<id \d+ of (\w+)>$/.exec(id)?.[1] ?? null;
}

/** Some value of a kind. */
function sampleScalar(kind: ScalarKind, serial: number): unknown {
  switch (kind) {
    case "bigint":
      return BigInt(serial);
    case "boolean":
      return true;
    case "bytes":
      return new ArrayBuffer(1);
    case "null":
      return null;
    case "number":
      return serial;
    case "string":
      return `text ${serial}`;
  }
}
