/**
 * Finds the tag of a union of objects: a field that every member requires as a literal string of its own. With it a value is
 * checked against one member instead of all, and a violation can name what is wrong inside that member.
 */
import type { ObjectValidatorJson, ValidatorJson } from "../schema-json.js";

/** A union of objects whose members one field tells apart. */
export interface TaggedUnion {
  readonly field: string;
  readonly members: ReadonlyMap<string, ObjectValidatorJson>;
}

/** The tag, and the member of each of its values; undefined when the members have no tag. */
export function discriminate(members: readonly ValidatorJson[]): TaggedUnion | undefined {
  const objects = members.filter((member) => member.type === "object");
  const [first] = objects;
  if (first === undefined || members.length < 2 || objects.length < members.length) {
    return undefined;
  }
  for (const field of Object.keys(first.value)) {
    const byTag = membersByTag(objects, field);
    if (byTag !== undefined) return { field, members: byTag };
  }
  return undefined;
}

/**
 * The objects by the literal string that each of them requires in a field; undefined when the field does not tell them
 * apart.
 */
export function membersByTag(
  objects: readonly ObjectValidatorJson[],
  field: string,
): ReadonlyMap<string, ObjectValidatorJson> | undefined {
  if (field in Object.prototype) return undefined;
  const byTag = new Map<string, ObjectValidatorJson>();
  for (const object of objects) {
    const declared = object.value[field];
    if (declared === undefined || declared.optional) return undefined;
    const { fieldType } = declared;
    if (fieldType.type !== "literal" || typeof fieldType.value !== "string") return undefined;
    if (byTag.has(fieldType.value)) return undefined;
    byTag.set(fieldType.value, object);
  }
  return byTag;
}
