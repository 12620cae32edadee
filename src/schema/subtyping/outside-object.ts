/**
 * Searches for an object of one object type that is outside every one of several others. Such an object exists exactly when
 * each of the others refuses one of its fields; those that are to refuse the same field need one value there that all of
 * them refuse. The search assigns the other types to fields, and backtracks. An absent field counts as a value of its own.
 */
import type { ObjectValidatorJson, ValidatorJson } from "../schema-json.js";
import { alternativesOf, type Alternatives, type Outside } from "./alternatives.js";

/** Searches for a value that fits one type and none of the alternatives. */
type FindOutside = (type: ValidatorJson, alternatives: Alternatives) => Outside;

/** What another type takes at a field: values of a type, if any, and the absence of the field, if that is allowed. */
interface TakenField {
  readonly type: ValidatorJson | undefined;
  readonly absent: boolean;
}

/** Another type: what it takes at each field of the object. */
type Member = ReadonlyMap<string, TakenField>;

/** A value chosen for a field; the field left out when absent. */
type Choice = { readonly absent: true } | { readonly absent: false; readonly value: unknown };

/**
 * An object of `type` outside the alternatives.
 * @throws BudgetSpent
 */
export function findOutsideObject(
  findOutside: FindOutside,
  type: ObjectValidatorJson,
  alternatives: Alternatives,
): Outside {
  const finder = new ObjectFinder(findOutside, type);
  return finder.find(membersAt(type, alternatives));
}

class ObjectFinder {
  readonly #findOutside: FindOutside;
  readonly #type: ObjectValidatorJson;
  /** The value that each field has so far, and the members that refuse it there. */
  readonly #choices = new Map<string, Choice>();
  readonly #refusing = new Map<string, readonly Member[]>();

  constructor(findOutside: FindOutside, type: ObjectValidatorJson) {
    this.#findOutside = findOutside;
    this.#type = type;
  }

  find(members: readonly Member[]): Outside {
    for (const field of Object.keys(this.#type.value)) {
      const choice = this.#choose(field, []);
      if (choice === undefined) return undefined;
      this.#choices.set(field, choice);
      this.#refusing.set(field, []);
    }
    const pending: { member: Member; fields: readonly string[] }[] = [];
    for (const member of members) {
      const fields = [...member.keys()].filter((field) => this.#choose(field, [member]) !== undefined);
      if (fields.length === 0) return undefined;
      pending.push({ member, fields });
    }
    pending.sort((first, second) => first.fields.length - second.fields.length);
    return this.#handOut(pending, 0) ? { value: this.#object() } : undefined;
  }

  #handOut(
    pending: readonly { readonly member: Member; readonly fields: readonly string[] }[],
    index: number,
  ): boolean {
    const next = pending[index];
    if (next === undefined) return true;
    for (const field of next.fields) {
      const earlier = this.#refusing.get(field) ?? [];
      const together = [...earlier, next.member];
      const choice = this.#choose(field, together);
      if (choice === undefined) continue;
      const previous = this.#choices.get(field);
      this.#refusing.set(field, together);
      this.#choices.set(field, choice);
      if (this.#handOut(pending, index + 1)) return true;
      this.#refusing.set(field, earlier);
      if (previous !== undefined) this.#choices.set(field, previous);
    }
    return false;
  }

  /** A value of the field, or its absence, that all the members refuse there. */
  #choose(field: string, members: readonly Member[]): Choice | undefined {
    const declared = this.#type.value[field];
    if (declared === undefined) return undefined;
    const taken = members.map((member) => member.get(field));
    const types = taken.flatMap((at) => (at?.type === undefined ? [] : [at.type]));
    const outside = this.#findOutside(declared.fieldType, alternativesOf(types));
    if (outside !== undefined) return { absent: false, value: outside.value };
    const absent = declared.optional && !taken.some((at) => at?.absent === true);
    return absent ? { absent } : undefined;
  }

  #object(): Readonly<Record<string, unknown>> {
    const entries: [string, unknown][] = [];
    for (const [field, choice] of this.#choices) {
      if (!choice.absent) entries.push([field, choice.value]);
    }
    return Object.fromEntries(entries);
  }
}

/** The alternatives that could take an object of the type at all, field by field. */
function membersAt(type: ObjectValidatorJson, alternatives: Alternatives): readonly Member[] {
  const names = Object.keys(type.value);
  const members: Member[] = [];
  for (const object of alternatives.objects) {
    const fields = Object.entries(object.value);
    const beyond = fields.some(([name, field]) => !field.optional && !Object.hasOwn(type.value, name));
    if (beyond) continue;
    members.push(new Map(names.map((name) => [name, takenByObject(object, name)])));
  }
  for (const record of alternatives.records) {
    const keys = alternativesOf([record.keys]);
    const taken: TakenField = {
      // A field's name is a string that is no id, whatever the ids are.
      type: keys.scalars.has("string") ? record.values.fieldType : undefined,
      absent: true,
    };
    members.push(new Map(names.map((name) => [name, taken])));
  }
  return members;
}

function takenByObject(object: ObjectValidatorJson, name: string): TakenField {
  const field = Object.hasOwn(object.value, name) ? object.value[name] : undefined;
  return field === undefined
    ? { type: undefined, absent: true }
    : { type: field.fieldType, absent: field.optional };
}
