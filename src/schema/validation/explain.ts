/**
 * Says why a value does not fit its validator: every violation with its place, up to a bound. It is slow and thorough, and
 * runs only after the compiled check has said no. Where one member of a union is plainly meant (the only one of the value's
 * kind, or the one that its tag names), it reports the violations inside that member rather than that no member fits.
 */
import { jsonToConvex } from "convex/values";
import { flatMembers, type ObjectValidatorJson, type ValidatorJson } from "../schema-json.js";
import { fieldText, validatorText } from "../source/validator-text.js";
import { valueText } from "../source/value-text.js";
import { type CheckContext, compileFits } from "./compile-fits.js";
import { discriminate } from "./discriminate.js";
import { isPlainObject } from "../../values/index.js";
import { isFieldName, valueKind } from "./value-kind.js";
import { elementPlace, fieldPlace, keysPlace, root, valuesPlace, type Place } from "./place.js";
import type { Violation } from "./violation.js";

/** At most so many violations are reported of one value. */
const maxViolations = 64;

const maxTextLength = 400;

/** All violations of a value, in the order of the validator; none when it fits. */
export function explain(
  validator: ValidatorJson,
  value: unknown,
  context: CheckContext,
): readonly Violation[] {
  const explainer = new Explainer(context);
  explainer.visit(validator, value, root);
  return explainer.violations;
}

/** As `explain`, for an object validator; the ignored fields may stand beside its own and are not checked. */
export function explainObject(
  validator: ObjectValidatorJson,
  value: unknown,
  context: CheckContext,
  ignored: ReadonlySet<string>,
): readonly Violation[] {
  const explainer = new Explainer(context);
  explainer.visitObject(validator, value, root, ignored);
  return explainer.violations;
}

class Explainer {
  readonly violations: Violation[] = [];
  readonly #context: CheckContext;

  constructor(context: CheckContext) {
    this.#context = context;
  }

  visit(validator: ValidatorJson, value: unknown, place: Place): void {
    if (this.violations.length >= maxViolations) return;
    switch (validator.type) {
      case "literal":
        return this.#visitLiteral(validator, value, place);
      case "id":
        return this.#visitId(validator, value, place);
      case "array":
        return this.#visitArray(validator, value, place);
      case "record":
        return this.#visitRecord(validator, value, place);
      case "object":
        return this.visitObject(validator, value, place, noNames);
      case "union":
        return this.#visitUnion(validator, value, place);
      default:
        if (!compileFits(validator)(value, this.#context)) this.#noMatch(validator, value, place);
    }
  }

  visitObject(
    validator: ObjectValidatorJson,
    value: unknown,
    place: Place,
    ignored: ReadonlySet<string>,
  ): void {
    if (!isPlainObject(value)) return this.#noMatch(validator, value, place);
    const within = {
      path: place.path,
      object: valueText(value, maxTextLength),
      validator: validatorText(validator, maxTextLength),
    };
    for (const [field, declared] of Object.entries(validator.value)) {
      const item = Object.hasOwn(value, field) ? value[field] : undefined;
      const at = fieldPlace(place, field);
      if (item !== undefined) {
        this.visit(declared.fieldType, item, at);
      } else if (!declared.optional) {
        const expected = fieldText(declared, maxTextLength);
        this.#add({ kind: "missingField", ...at, expected, actual: "undefined", field, within });
      }
    }
    for (const field of Object.keys(value)) {
      if (value[field] === undefined || ignored.has(field)) continue;
      if (Object.hasOwn(validator.value, field)) continue;
      const actual = valueText(value[field], maxTextLength);
      const at = fieldPlace(place, field);
      this.#add({ kind: "extraField", ...at, expected: "no such field", actual, field, within });
    }
  }

  #visitLiteral(validator: Extract<ValidatorJson, { type: "literal" }>, value: unknown, place: Place): void {
    const literal = jsonToConvex(validator.value);
    if (Object.is(value, literal)) return;
    if (typeof value !== typeof literal) return this.#noMatch(validator, value, place);
    this.#add({ kind: "literalMismatch", ...place, ...texts(validator, value) });
  }

  #visitId(validator: Extract<ValidatorJson, { type: "id" }>, value: unknown, place: Place): void {
    const foundTable = typeof value === "string" ? this.#context.tableOfId(value) : null;
    if (foundTable === validator.tableName) return;
    if (foundTable === null) return this.#noMatch(validator, value, place);
    this.#add({ kind: "wrongTable", ...place, ...texts(validator, value), foundTable });
  }

  #visitArray(validator: Extract<ValidatorJson, { type: "array" }>, value: unknown, place: Place): void {
    if (!Array.isArray(value)) return this.#noMatch(validator, value, place);
    for (let index = 0; index < value.length; index++) {
      this.visit(validator.value, value[index], elementPlace(place, index));
    }
  }

  #visitRecord(validator: Extract<ValidatorJson, { type: "record" }>, value: unknown, place: Place): void {
    if (!isPlainObject(value)) return this.#noMatch(validator, value, place);
    for (const [key, item] of Object.entries(value)) {
      if (item === undefined) continue;
      const keys = keysPlace(place);
      if (isFieldName(key)) this.visit(validator.keys, key, keys);
      else this.#add({ kind: "invalidRecordKey", ...keys, ...texts(validator.keys, key) });
      this.visit(validator.values.fieldType, item, valuesPlace(place, key));
    }
  }

  #visitUnion(validator: Extract<ValidatorJson, { type: "union" }>, value: unknown, place: Place): void {
    if (compileFits(validator)(value, this.#context)) return;
    const meant = meantMember(validator.value, value);
    if (meant === undefined) this.#noMatch(validator, value, place);
    else this.visit(meant, value, place);
  }

  #noMatch(validator: ValidatorJson, value: unknown, place: Place): void {
    this.#add({ kind: "noMatch", ...place, ...texts(validator, value) });
  }

  #add(violation: Violation): void {
    if (this.violations.length < maxViolations) this.violations.push(violation);
  }
}

/** The member that the value was plainly meant for. It has parts, since there is nothing more to say of a scalar. */
function meantMember(members: readonly ValidatorJson[], value: unknown): ValidatorJson | undefined {
  const [only] = members;
  if (members.length === 1) return only;
  const kind = valueKind(value);
  if (kind !== "object" && kind !== "array") return undefined;
  const candidates = members
    .flatMap(flatMembers)
    .filter((member) => member.type === kind || (kind === "object" && member.type === "record"));
  if (candidates.length === 1) return candidates[0];
  const tagged = discriminate(candidates);
  if (tagged === undefined || !isPlainObject(value)) return undefined;
  const tag = value[tagged.field];
  return typeof tag === "string" ? tagged.members.get(tag) : undefined;
}

function texts(validator: ValidatorJson, value: unknown): { expected: string; actual: string } {
  return {
    expected: validatorText(validator, maxTextLength),
    actual: valueText(value, maxTextLength),
  };
}

const noNames: ReadonlySet<string> = new Set();
