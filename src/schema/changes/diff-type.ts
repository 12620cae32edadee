/**
 * Finds the changes between two types, as deep as both have the same structure. At every level `accepts` has the last word:
 * where it says that some old value does not fit, at least one change that is not safe is reported; where it says that all
 * values fit, only safe changes are.
 */
import {
  flatMembers,
  type ObjectFieldJson,
  type ObjectValidatorJson,
  type ValidatorJson,
} from "../schema-json.js";
import { fieldText, validatorText } from "../source/validator-text.js";
import { valueText } from "../source/value-text.js";
import { accepts, include } from "../subtyping/accepts.js";
import {
  elementPlace,
  fieldPlace,
  keysPlace,
  memberPlace,
  valuesPlace,
  type Place,
} from "../validation/place.js";
import { pairMembers, sameType } from "./pair-members.js";
import type { RuleName } from "./rules.js";
import { placeChange, type ChangeParts, type SchemaChange } from "./schema-change.js";

const maxTextLength = 200;

/** The changes between two types at one place of a table's documents; an empty list when the types are the same. */
export function diffType(
  tableName: string,
  before: ValidatorJson,
  after: ValidatorJson,
  place: Place,
): readonly SchemaChange[] {
  return new TypeDiff(tableName).diff(before, after, place);
}

class TypeDiff {
  readonly #tableName: string;

  constructor(tableName: string) {
    this.#tableName = tableName;
  }

  diff(before: ValidatorJson, after: ValidatorJson, place: Place): readonly SchemaChange[] {
    if (sameType(before, after)) return [];
    const parts = this.#parts(before, after, place);
    const isSafe = parts.every((change) => change.classification === "safe");
    if (accepts(after, before)) {
      return isSafe && parts.length > 0 ? parts : [this.#whole(before, after, place)];
    }
    return isSafe ? [...parts, this.#whole(before, after, place)] : parts;
  }

  /** The one change that says how the two types relate as wholes. */
  #whole(before: ValidatorJson, after: ValidatorJson, place: Place): SchemaChange {
    const inclusion = include(after, before);
    const backwards = accepts(before, after);
    const parts = texts(before, after);
    if (inclusion.kind === "accepted") {
      return this.#change(backwards ? "type-rewritten" : "type-widened", place, parts);
    }
    const proof =
      inclusion.kind === "refused"
        ? { ...parts, counterexample: valueText(inclusion.value, maxTextLength) }
        : parts;
    if (before.type === "id" && after.type === "id") {
      return this.#change("id-table-changed", place, proof);
    }
    return this.#change(backwards ? "type-narrowed" : "type-changed", place, proof);
  }

  #parts(before: ValidatorJson, after: ValidatorJson, place: Place): readonly SchemaChange[] {
    if (before.type === "object" && after.type === "object") {
      return this.#fields(before, after, place);
    }
    if (before.type === "array" && after.type === "array") {
      return this.diff(before.value, after.value, elementPlace(place));
    }
    if (before.type === "record" && after.type === "record") {
      return [
        ...this.diff(before.keys, after.keys, keysPlace(place)),
        ...this.diff(before.values.fieldType, after.values.fieldType, valuesPlace(place)),
      ];
    }
    if (before.type === "union" || after.type === "union") {
      return this.#members(before, after, place);
    }
    return [];
  }

  #fields(before: ObjectValidatorJson, after: ObjectValidatorJson, place: Place): readonly SchemaChange[] {
    const removed = Object.entries(before.value).flatMap(([name, field]) =>
      Object.hasOwn(after.value, name)
        ? []
        : [this.#change("field-removed", fieldPlace(place, name), fieldParts(field, undefined))],
    );
    const kept = Object.entries(after.value).flatMap(([name, field]) => {
      const earlier = Object.hasOwn(before.value, name) ? before.value[name] : undefined;
      return this.#field(earlier, field, fieldPlace(place, name));
    });
    return [...kept, ...removed];
  }

  #field(before: ObjectFieldJson | undefined, after: ObjectFieldJson, place: Place): readonly SchemaChange[] {
    const parts = fieldParts(before, after);
    if (before === undefined) {
      const rule = after.optional ? "field-added-optional" : "field-added-required";
      return [this.#change(rule, place, parts)];
    }
    const type = this.diff(before.fieldType, after.fieldType, place);
    if (before.optional === after.optional) return type;
    const rule = after.optional ? "field-made-optional" : "field-made-required";
    return [this.#change(rule, place, parts), ...type];
  }

  #members(before: ValidatorJson, after: ValidatorJson, place: Place): readonly SchemaChange[] {
    const pairing = pairMembers(flatMembers(before), flatMembers(after));
    if (pairing.same + pairing.pairs.length === 0) return [];
    const inside = pairing.pairs.flatMap((pair) => {
      const { tag } = pair;
      const at = tag === undefined ? place : memberPlace(place, tag.field, tag.value);
      return this.diff(pair.before, pair.after, at);
    });
    const removed = pairing.removed
      .filter((member) => !accepts(after, member))
      .map((member) => {
        const rule = member.type === "literal" ? "literal-removed" : "union-member-removed";
        return this.#change(rule, place, { before: validatorText(member, maxTextLength) });
      });
    const added = pairing.added
      .filter((member) => !accepts(before, member))
      .map((member) => {
        const rule = member.type === "literal" ? "literal-added" : "union-member-added";
        return this.#change(rule, place, { after: validatorText(member, maxTextLength) });
      });
    return [...inside, ...removed, ...added];
  }

  #change(rule: RuleName, place: Place, parts: ChangeParts): SchemaChange {
    return placeChange(rule, this.#tableName, place, parts);
  }
}

function texts(before: ValidatorJson, after: ValidatorJson): { before: string; after: string } {
  return {
    before: validatorText(before, maxTextLength),
    after: validatorText(after, maxTextLength),
  };
}

function fieldParts(before: ObjectFieldJson | undefined, after: ObjectFieldJson | undefined): ChangeParts {
  return {
    ...(before === undefined ? {} : { before: fieldText(before, maxTextLength) }),
    ...(after === undefined ? {} : { after: fieldText(after, maxTextLength) }),
  };
}
