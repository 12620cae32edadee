/**
 * Compiles a validator into one closure that says whether a value fits. It is compiled once per validator and runs on every
 * write. Invariant: the closure allocates nothing and never throws, whatever the value. `explain.ts` says why a value does not
 * fit; a property test holds the two to the same answer.
 */
import { CommitTsPlaceholder, jsonToConvex } from "convex/values";
import type { ObjectFieldJson, ObjectValidatorJson, ValidatorJson } from "../schema-json.js";
import { discriminate, type TaggedUnion } from "./discriminate.js";
import { isPlainObject } from "../../values/index.js";
import { isFieldName, isBytes } from "./value-kind.js";

/** What checking a value needs to know of the database around it. */
export interface CheckContext {
  /** The name of the table that an id belongs to; null when the string is no id of a known table. */
  tableOfId(id: string): string | null;
}

/** Whether a value fits. An absent value is `undefined`, which fits nothing. */
export type Fits = (value: unknown, context: CheckContext) => boolean;

/** Compiles a validator. O(size of the validator). */
export function compileFits(validator: ValidatorJson): Fits {
  switch (validator.type) {
    case "any":
      return (value) => value !== undefined;
    case "null":
      return (value) => value === null;
    case "number":
      return (value) => typeof value === "number";
    case "bigint":
      return (value) => typeof value === "bigint";
    case "commitTs":
      return (value) => typeof value === "bigint" || value instanceof CommitTsPlaceholder;
    case "boolean":
      return (value) => typeof value === "boolean";
    case "string":
      return (value) => typeof value === "string";
    case "bytes":
      return (value) => isBytes(value);
    case "literal": {
      const literal = jsonToConvex(validator.value);
      return (value) => Object.is(value, literal);
    }
    case "id": {
      const { tableName } = validator;
      return (value, context) => typeof value === "string" && context.tableOfId(value) === tableName;
    }
    case "array":
      return compileArray(compileFits(validator.value));
    case "record":
      return compileRecord(compileFits(validator.keys), compileFits(validator.values.fieldType));
    case "object":
      return compileObject(validator, noNames);
    case "union":
      return compileUnion(validator.value);
  }
}

function compileArray(element: Fits): Fits {
  return (value, context) => {
    if (!Array.isArray(value)) return false;
    for (let index = 0; index < value.length; index++) {
      if (!element(value[index], context)) return false;
    }
    return true;
  };
}

function compileRecord(key: Fits, element: Fits): Fits {
  return (value, context) => {
    if (!isPlainObject(value)) return false;
    for (const name in value) {
      const item = value[name];
      if (item === undefined) continue;
      if (!isFieldName(name) || !key(name, context) || !element(item, context)) return false;
    }
    return true;
  };
}

function compileObject(validator: ObjectValidatorJson, ignored: ReadonlySet<string>): Fits {
  const fields = Object.entries(validator.value).map(([name, field]) => compileField(name, field));
  const count = fields.length;
  return (value, context) => {
    if (!isPlainObject(value)) return false;
    let present = 0;
    for (let index = 0; index < count; index++) {
      const field = fields[index]!;
      const item = field.inherited && !Object.hasOwn(value, field.name) ? undefined : value[field.name];
      if (item === undefined) {
        if (!field.optional) return false;
      } else {
        if (!field.fits(item, context)) return false;
        present++;
      }
    }
    for (const name in value) {
      if (value[name] !== undefined && !ignored.has(name) && --present < 0) return false;
    }
    return true;
  };
}

interface CompiledField {
  readonly name: string;
  readonly optional: boolean;
  readonly fits: Fits;
  /** Whether every object seems to have this field, because Object.prototype has it. */
  readonly inherited: boolean;
}

function compileField(name: string, field: ObjectFieldJson): CompiledField {
  const fits = compileFits(field.fieldType);
  return { name, optional: field.optional, fits, inherited: name in Object.prototype };
}

function compileUnion(members: readonly ValidatorJson[]): Fits {
  const literals = literalValues(members);
  if (literals !== undefined) return (value) => literals.has(value) && !Object.is(value, -0);

  const tagged = discriminate(members);
  if (tagged !== undefined) return compileTagged(tagged, noNames);
  return anyOf(members.map(compileFits));
}

/**
 * Compiles a union of object validators.
 * @param ignored Fields that may stand beside the declared ones and are not checked.
 */
export function compileObjects(members: readonly ObjectValidatorJson[], ignored: ReadonlySet<string>): Fits {
  const tagged = discriminate(members);
  if (tagged !== undefined) return compileTagged(tagged, ignored);
  return anyOf(members.map((member) => compileObject(member, ignored)));
}

function anyOf(alternatives: readonly Fits[]): Fits {
  const [only] = alternatives;
  if (alternatives.length === 1 && only !== undefined) return only;
  return (value, context) => {
    for (let index = 0; index < alternatives.length; index++) {
      if (alternatives[index]!(value, context)) return true;
    }
    return false;
  };
}

/** The values of a union that has literals only; undefined for other unions, and for one with -0, which a Set takes for 0. */
function literalValues(members: readonly ValidatorJson[]): ReadonlySet<unknown> | undefined {
  const values = new Set<unknown>();
  for (const member of members) {
    if (member.type !== "literal") return undefined;
    const value = jsonToConvex(member.value);
    if (Object.is(value, -0)) return undefined;
    values.add(value);
  }
  return values;
}

function compileTagged(tagged: TaggedUnion, ignored: ReadonlySet<string>): Fits {
  const { field } = tagged;
  const byTag = new Map<unknown, Fits>();
  for (const [tag, member] of tagged.members) byTag.set(tag, compileObject(member, ignored));
  return (value, context) => {
    if (!isPlainObject(value)) return false;
    const member = byTag.get(value[field]);
    return member !== undefined && member(value, context);
  };
}

const noNames: ReadonlySet<string> = new Set();
