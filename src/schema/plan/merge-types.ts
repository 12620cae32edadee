/**
 * A type that takes the values of two others: what a field is declared as while both shapes are stored.
 * It keeps structure where it can, so that the result reads like what a person would write: fields that
 * only one side has become optional, members of unions are merged one by one.
 */
import { flatMembers, pairMembers, sameType } from "../changes/pair-members.js";
import type {
  ObjectFieldJson,
  ObjectValidatorJson,
  RecordKeyValidatorJson,
  ValidatorJson,
} from "../schema-json.js";
import { accepts } from "../subtyping/accepts.js";

/** A type that accepts both. The fields and members of `after` come first. */
export function mergeTypes(before: ValidatorJson, after: ValidatorJson): ValidatorJson {
  if (accepts(after, before)) return after;
  if (accepts(before, after)) return before;
  if (before.type === "object" && after.type === "object") return mergeObjects(before, after);
  if (before.type === "array" && after.type === "array") {
    return { type: "array", value: mergeTypes(before.value, after.value) };
  }
  if (before.type === "record" && after.type === "record") {
    const fieldType = mergeTypes(before.values.fieldType, after.values.fieldType);
    const keys = mergeKeys(before.keys, after.keys);
    return { type: "record", keys, values: { fieldType, optional: false } };
  }
  return mergeMembers(before, after);
}

function mergeObjects(before: ObjectValidatorJson, after: ObjectValidatorJson): ValidatorJson {
  const merged = Object.entries(after.value).map(([name, field]): [string, ObjectFieldJson] => {
    const earlier = Object.hasOwn(before.value, name) ? before.value[name] : undefined;
    if (earlier === undefined) return [name, { ...field, optional: true }];
    const fieldType = mergeTypes(earlier.fieldType, field.fieldType);
    return [name, { fieldType, optional: earlier.optional || field.optional }];
  });
  const gone = Object.entries(before.value)
    .filter(([name]) => !Object.hasOwn(after.value, name))
    .map(([name, field]): [string, ObjectFieldJson] => [name, { ...field, optional: true }]);
  return { type: "object", value: Object.fromEntries([...merged, ...gone]) };
}

function mergeKeys(before: RecordKeyValidatorJson, after: RecordKeyValidatorJson): RecordKeyValidatorJson {
  if (accepts(after, before)) return after;
  return accepts(before, after) ? before : { type: "union", value: [after, before] };
}

function mergeMembers(before: ValidatorJson, after: ValidatorJson): ValidatorJson {
  const [was, is] = [flatMembers(before), flatMembers(after)];
  const { pairs, removed } = pairMembers(was, is);
  const kept = is.map((member) => {
    const pair = pairs.find((each) => each.after === member);
    return pair === undefined ? member : mergeTypes(pair.before, member);
  });
  const members: ValidatorJson[] = [];
  for (const member of [...kept, ...removed]) {
    if (!members.some((other) => sameType(other, member))) members.push(member);
  }
  const [only] = members;
  return members.length === 1 && only !== undefined ? only : { type: "union", value: members };
}
