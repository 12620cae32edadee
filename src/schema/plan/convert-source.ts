/**
 * Writes the body of a migration: the TypeScript expression that turns a value of an old type into one of a new type. It passes
 * on what already fits, and converts what follows from the types. Where a value has to be made up, it writes a proposal and
 * lists the decision. Where only the author can know, it writes a call of `unfinished`, which throws. Invariant: an
 * expression without `unfinished` yields a value of the new type for every value of the old one, or throws.
 */
import { pairMembers } from "../changes/pair-members.js";
import type { FieldRenames } from "../changes/renames.js";
import {
  flatMembers,
  type ObjectFieldJson,
  type ObjectValidatorJson,
  type ValidatorJson,
} from "../schema-json.js";
import { validatorText } from "../source/validator-text.js";
import { propertyName, valueText } from "../source/value-text.js";
import { accepts } from "../subtyping/accepts.js";
import { elementPlace, fieldPlace, memberPlace, root, valuesPlace, type Place } from "../validation/place.js";
import { defaultSource } from "./default-source.js";
import { convertScalar } from "./convert-scalar.js";
import { kindOf, memberTests } from "./member-tests.js";

/** How an object becomes another: the fields to leave out, and the fields to set to an expression. */
export interface ObjectConversion {
  readonly removed: readonly string[];
  readonly set: readonly (readonly [name: string, expression: string])[];
}

/** Writes the conversions of one table's documents, and collects what its author has to look at. */
export class ConversionWriter {
  /** One sentence for each value that was made up. */
  readonly decisions: string[] = [];
  /** The conversions that only the author can write. */
  readonly unresolved: string[] = [];
  readonly #tableName: string;
  readonly #renames: FieldRenames;

  constructor(tableName: string, renames: FieldRenames) {
    this.#tableName = tableName;
    this.#renames = renames;
  }

  /** An expression that turns the value of the expression `from` into one of the new type. */
  convert(before: ValidatorJson, after: ValidatorJson, from: string, place: Place = root): string {
    if (accepts(after, before)) return from;
    const members = flatMembers(before);
    const targets = flatMembers(after);
    const [only] = members;
    if (members.length === 1 && only !== undefined) {
      return this.#convertMember(only, targets, after, from, place);
    }
    return this.#convertUnion(members, targets, after, from, place);
  }

  /** How a document of one object type becomes one of another. */
  convertObject(
    before: ObjectValidatorJson,
    after: ObjectValidatorJson,
    from: string,
    place: Place = root,
  ): ObjectConversion {
    const sources = new Map<string, string>();
    for (const name of Object.keys(before.value)) {
      const newName = this.#renames.get(fieldPlace(place, name).pattern);
      if (newName !== undefined) sources.set(newName, name);
    }
    const set: [string, string][] = [];
    for (const [name, field] of Object.entries(after.value)) {
      const source = sources.get(name);
      const earlier = Object.hasOwn(before.value, name) ? before.value[name] : undefined;
      const renamed = source === undefined ? undefined : before.value[source];
      const expression =
        renamed !== undefined && source !== undefined
          ? this.#renamedField(source, renamed, name, earlier, field, from, place)
          : this.#field(name, earlier, field, from, place);
      if (expression !== undefined) set.push([name, expression]);
    }
    const removed = Object.keys(before.value).filter((name) => !Object.hasOwn(after.value, name));
    return { removed, set };
  }

  /** The expression for a field; undefined when it stays as it is. */
  #field(
    name: string,
    before: ObjectFieldJson | undefined,
    after: ObjectFieldJson,
    from: string,
    place: Place,
  ): string | undefined {
    const at = fieldPlace(place, name);
    if (before === undefined) return after.optional ? undefined : this.#default(after.fieldType, at);
    const value = fieldSource(from, name);
    const converted = this.convert(before.fieldType, after.fieldType, value, at);
    if (!before.optional || after.optional) {
      if (converted === value) return undefined;
      return before.optional ? `${value} === undefined ? undefined : ${converted}` : converted;
    }
    return `${value} === undefined ? ${this.#default(after.fieldType, at)} : ${converted}`;
  }

  /** The expression for a field that had another name, and in some documents still has it. */
  #renamedField(
    oldName: string,
    old: ObjectFieldJson,
    name: string,
    earlier: ObjectFieldJson | undefined,
    after: ObjectFieldJson,
    from: string,
    place: Place,
  ): string {
    const at = fieldPlace(place, oldName);
    const value = fieldSource(from, oldName);
    const converted = this.convert(old.fieldType, after.fieldType, value, at);
    const absent = after.optional ? "undefined" : undefined;
    const moved = old.optional
      ? `${value} === undefined ? ${absent ?? this.#default(after.fieldType, at)} : ${converted}`
      : converted;
    if (earlier === undefined) return moved;
    const present = fieldSource(from, name);
    const kept = this.convert(earlier.fieldType, after.fieldType, present, fieldPlace(place, name));
    return `${present} !== undefined ? ${kept} : ${moved}`;
  }

  #convertMember(
    member: ValidatorJson,
    targets: readonly ValidatorJson[],
    after: ValidatorJson,
    from: string,
    place: Place,
  ): string {
    const [target, ...others] = targets.filter((each) => each.type === member.type);
    if (target !== undefined && others.length === 0) {
      const converted = this.#convertStructure(member, target, from, place);
      if (converted !== undefined) return converted;
    }
    if (member.type === "null") return this.#default(after, place);
    const scalar = convertScalar(member, targets, from);
    if (scalar !== undefined) {
      if (scalar.decision !== undefined) this.#decide(place, scalar.decision);
      return scalar.expression;
    }
    const wrapping = targets.some((each) => each.type === "array" && accepts(each.value, member));
    return wrapping ? `[${from}]` : this.#leaveOpen(member, after, place);
  }

  /** A conversion part by part; undefined for types without parts, and for records whose keys do not fit. */
  #convertStructure(
    before: ValidatorJson,
    after: ValidatorJson,
    from: string,
    place: Place,
  ): string | undefined {
    if (before.type === "object" && after.type === "object") {
      return objectExpression(this.convertObject(before, after, from, place), from);
    }
    if (before.type === "array" && after.type === "array") {
      const item = itemName(from, "item");
      const converted = this.convert(before.value, after.value, item, elementPlace(place));
      return `${from}.map((${item}) => ${callbackBody(converted)})`;
    }
    if (before.type === "record" && after.type === "record") {
      if (!accepts(after.keys, before.keys)) return undefined;
      const value = itemName(from, "value");
      const types = [before.values.fieldType, after.values.fieldType] as const;
      const converted = this.convert(...types, value, valuesPlace(place));
      const key = itemName(from, "key");
      return `Object.fromEntries(Object.entries(${from}).map(([${key}, ${value}]) => [${key}, ${converted}]))`;
    }
    return undefined;
  }

  #convertUnion(
    members: readonly ValidatorJson[],
    targets: readonly ValidatorJson[],
    after: ValidatorJson,
    from: string,
    place: Place,
  ): string {
    const { pairs } = pairMembers(members, targets);
    const tests = memberTests(members, from);
    if (tests === undefined) return this.#leaveOpen({ type: "union", value: [...members] }, after, place);
    const cases = tests.map(({ member, test, exact, tag }) => {
      const pair = pairs.find((each) => each.before === member);
      const to = pair === undefined ? targets : [pair.after];
      const at = tag === undefined ? place : memberPlace(place, tag.field, tag.value);
      const expression = accepts(after, member) ? from : this.#convertMember(member, to, after, from, at);
      return { kind: kindOf(member), test, exact, expression };
    });
    const needed = cases.filter(
      ({ kind, expression }, index) =>
        expression !== from ||
        cases.slice(index + 1).some((each) => each.kind === kind && !each.exact && each.expression !== from),
    );
    const fallback = cases.some(({ expression }) => expression === from) ? from : undefined;
    const last = fallback ?? needed.pop()?.expression ?? from;
    const chain = needed.map(({ test, expression }) => `${test} ? ${expression} : `).join("");
    return chain + last;
  }

  #default(type: ValidatorJson, place: Place): string {
    const value = defaultSource(type);
    if (value === undefined) {
      const what = `${this.#tableName}${place.path} needs a value of ${validatorText(type, 80)}`;
      return this.#unresolved(what);
    }
    this.#decide(place, `${value} where there is no value yet`);
    return value;
  }

  #leaveOpen(before: ValidatorJson, after: ValidatorJson, place: Place): string {
    const types = `from ${validatorText(before, 80)} to ${validatorText(after, 80)}`;
    return this.#unresolved(`${this.#tableName}${place.path} ${types}`);
  }

  #unresolved(what: string): string {
    if (!this.unresolved.includes(what)) this.unresolved.push(what);
    return `unfinished(${valueText(what)})`;
  }

  #decide(place: Place, what: string): void {
    const decision = `${this.#tableName}${place.path}: ${what}`;
    if (!this.decisions.includes(decision)) this.decisions.push(decision);
  }
}

/** An object conversion as one expression. */
function objectExpression({ removed, set }: ObjectConversion, from: string): string {
  const fields = set.map(([name, expression]) => `${propertyName(name)}: ${expression}`);
  if (removed.length === 0) return `{ ...${from}, ${fields.join(", ")} }`;
  const names = removed.map((name) => `${propertyName(name)}: _${name}`);
  const kept = fields.length === 0 ? "kept" : `({ ${["...kept", ...fields].join(", ")} })`;
  return `(({ ${names.join(", ")}, ...kept }) => ${kept})(${from})`;
}

/** The source that reads a field. A field whose name every object inherits is read only where it is the object's own. */
function fieldSource(from: string, name: string): string {
  const plain = `${from}.${name}`;
  if (!(name in Object.prototype)) return plain;
  return `(Object.hasOwn(${from}, ${JSON.stringify(name)}) ? ${plain} : undefined)`;
}

/** A name for a callback's parameter that hides none of the callbacks around it. */
function itemName(from: string, name: string): string {
  const depth = /^(?:item|value)(\d*)\b/.exec(from);
  if (depth === null) return name;
  return `${name}${Number(depth[1] === "" ? 1 : depth[1]) + 1}`;
}

/** An expression as the body of an arrow function. */
export function callbackBody(expression: string): string {
  return expression.startsWith("{") ? `(${expression})` : expression;
}
