/**
 * Arbitraries of validators, of values that fit a given validator, and of pairs of validators that are
 * related as two versions of a schema are: the second is the first after a few random edits. Names,
 * tables and literals come from small sets, so that two of them often meet.
 */
import { jsonToConvex, type ValidatorJSON } from "convex/values";
import fc from "fast-check";
import { sampleId } from "../../src/schema/subtyping/outside.js";
import { bytes, float64, int64, value as anyValue } from "./values.js";

type Field = Extract<ValidatorJSON, { type: "object" }>["value"][string];
type RecordKeys = Extract<ValidatorJSON, { type: "record" }>["keys"];

const fieldNames = ["a", "b", "c", "kind", "constructor"] as const;
const tableNames = ["users", "posts"] as const;

/** A value that stands for an id of one of the arbitraries' tables, as `tableOfSampleId` reads it. */
const id = (tableName: string): fc.Arbitrary<string> =>
  fc.integer({ min: 1, max: 1e6 }).map((serial) => sampleId(tableName, serial));

const leaf: fc.Arbitrary<ValidatorJSON> = fc.oneof(
  fc.constantFrom<ValidatorJSON>(
    { type: "any" },
    { type: "null" },
    { type: "number" },
    { type: "bigint" },
    { type: "boolean" },
    { type: "string" },
    { type: "bytes" },
    { type: "commitTs" },
    { type: "union", value: [] },
  ),
  fc
    .constantFrom<unknown>("x", "y", 0, 1, true, false, { $integer: "AQAAAAAAAAA=" })
    .map((value): ValidatorJSON => ({ type: "literal", value: value as string })),
  fc.constant<ValidatorJSON>({ type: "literal", value: { $float: "AAAAAAAAAIA=" } }),
  fc.constantFrom(...tableNames).map((tableName): ValidatorJSON => ({ type: "id", tableName })),
);

const recordKeys: fc.Arbitrary<RecordKeys> = fc.oneof(
  fc.constant<RecordKeys>({ type: "string" }),
  fc.constantFrom(...tableNames).map((tableName): RecordKeys => ({ type: "id", tableName })),
  fc.constant<RecordKeys>({
    type: "union",
    value: tableNames.map((tableName) => ({ type: "id" as const, tableName })),
  }),
);

const nested = fc.letrec<{ validator: ValidatorJSON; field: Field; object: ObjectJson }>((tie) => ({
  validator: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { arbitrary: leaf, weight: 3 },
    tie("validator").map((value): ValidatorJSON => ({ type: "array", value })),
    { arbitrary: tie("object"), weight: 3 },
    fc.tuple(recordKeys, tie("validator")).map(([keys, fieldType]): ValidatorJSON => ({
      type: "record",
      keys,
      values: { fieldType, optional: false },
    })),
    {
      arbitrary: fc
        .array(tie("validator"), { maxLength: 3 })
        .map((value): ValidatorJSON => ({ type: "union", value })),
      weight: 2,
    },
  ),
  field: fc.record({ fieldType: tie("validator"), optional: fc.boolean() }),
  object: fc
    .dictionary(fc.constantFrom(...fieldNames), tie("field"), { maxKeys: 3, noNullPrototype: true })
    .map((value): ObjectJson => ({ type: "object", value })),
}));

type ObjectJson = Extract<ValidatorJSON, { type: "object" }>;

/** Any validator. */
export const validator: fc.Arbitrary<ValidatorJSON> = nested.validator;

/** A table's document type: `any`, an object, or a union of objects. */
export const documentTypes: fc.Arbitrary<ValidatorJSON> = fc.oneof(
  { arbitrary: nested.object, weight: 6 },
  {
    arbitrary: fc
      .array(nested.object, { minLength: 1, maxLength: 3 })
      .map((value): ValidatorJSON => ({ type: "union", value })),
    weight: 3,
  },
  { arbitrary: fc.constant<ValidatorJSON>({ type: "any" }), weight: 1 },
);

/** A validator like the given one, one random edit away at one random place. */
function edited(original: ValidatorJSON): fc.Arbitrary<ValidatorJSON> {
  const here = fc.oneof(
    { arbitrary: validator, weight: 1 },
    { arbitrary: leaf.map((member) => union([original, member])), weight: 2 },
    { arbitrary: fc.constant(union([original])), weight: 1 },
  );
  const inside = editedInside(original);
  return inside === undefined ? here : fc.oneof({ arbitrary: inside, weight: 4 }, here);
}

/** A document type like the given one, one random edit away. */
export function editedDocumentType(original: ValidatorJSON): fc.Arbitrary<ValidatorJSON> {
  if (original.type === "object") return editedObject(original);
  if (original.type !== "union") return documentTypes;
  return fc
    .tuple(fc.nat({ max: Math.max(0, original.value.length - 1) }), fc.boolean(), nested.object)
    .chain(([index, drop, other]) => {
      const member = original.value[index];
      const rest = original.value.filter((_member, at) => at !== index);
      if (member === undefined) return fc.constant(union([...rest, other]));
      if (drop) return fc.constant(union(rest.length === 0 ? [other] : rest));
      return editedDocumentType(member).map((after) => union([...rest, after]));
    });
}

/** Two validators, the second up to three edits away from the first. */
export const validatorPair: fc.Arbitrary<readonly [ValidatorJSON, ValidatorJSON]> = fc
  .tuple(validator, fc.integer({ min: 1, max: 3 }))
  .chain(([first, edits]) => {
    let second = fc.constant(first);
    for (let edit = 0; edit < edits; edit++) second = second.chain(edited);
    return second.map((after) => [first, after] as const);
  });

function union(value: ValidatorJSON[]): ValidatorJSON {
  return { type: "union", value };
}

function editedInside(original: ValidatorJSON): fc.Arbitrary<ValidatorJSON> | undefined {
  switch (original.type) {
    case "array":
      return edited(original.value).map((value) => ({ ...original, value }));
    case "record":
      return fc.tuple(recordKeys, edited(original.values.fieldType)).map(([keys, fieldType]) => ({
        ...original,
        keys,
        values: { fieldType, optional: false },
      }));
    case "object":
      return editedObject(original);
    case "union":
      return editedUnion(original.value);
    default:
      return undefined;
  }
}

function editedUnion(members: ValidatorJSON[]): fc.Arbitrary<ValidatorJSON> | undefined {
  if (members.length === 0) return undefined;
  return fc.tuple(fc.nat({ max: members.length - 1 }), fc.boolean()).chain(([index, drop]) => {
    const member = members[index];
    if (drop || member === undefined) {
      return fc.constant(union(members.filter((_member, at) => at !== index)));
    }
    return edited(member).map((after) => union(members.with(index, after)));
  });
}

function editedObject(original: ObjectJson): fc.Arbitrary<ValidatorJSON> {
  return fc
    .tuple(fc.constantFrom(...fieldNames), nested.field, fc.constantFrom("drop", "flip", "edit"))
    .chain(([name, added, edit]) => {
      const field = Object.hasOwn(original.value, name) ? original.value[name] : undefined;
      const others = Object.entries(original.value).filter(([other]) => other !== name);
      const withField = (after: Field): ValidatorJSON => ({
        type: "object",
        value: Object.fromEntries([...others, [name, after]]),
      });
      if (field === undefined) return fc.constant(withField(added));
      if (edit === "drop") {
        return fc.constant<ValidatorJSON>({ type: "object", value: Object.fromEntries(others) });
      }
      if (edit === "flip") return fc.constant(withField({ ...field, optional: !field.optional }));
      return edited(field.fieldType).map((fieldType) => withField({ ...field, fieldType }));
    });
}

/** Values that fit a validator; undefined when there are none. Ids are sample ids. */
export function valuesOf(type: ValidatorJSON): fc.Arbitrary<unknown> | undefined {
  switch (type.type) {
    case "any":
      return anyValue;
    case "null":
      return fc.constant(null);
    case "number":
      return fc.oneof(float64, fc.constantFrom(0, -0, 1));
    case "bigint":
    case "commitTs":
      return fc.oneof(int64, fc.constantFrom(0n, 1n));
    case "boolean":
      return fc.boolean();
    case "string":
      return fc.oneof(fc.constantFrom("x", "y", "z"), id("users"), id("posts"));
    case "bytes":
      return bytes;
    case "literal":
      return fc.constant(jsonToConvex(type.value));
    case "id":
      return id(type.tableName);
    case "array": {
      const element = valuesOf(type.value);
      return element === undefined ? fc.constant([]) : fc.array(element, { maxLength: 3 });
    }
    case "record": {
      const [keys, element] = [recordKeyValues(type.keys), valuesOf(type.values.fieldType)];
      if (element === undefined || keys === undefined) return fc.constant({});
      return fc.dictionary(keys, element, { maxKeys: 3, noNullPrototype: true });
    }
    case "object":
      return objectValues(type);
    case "union": {
      const members = type.value.flatMap((member) => valuesOf(member) ?? []);
      return members.length === 0 ? undefined : fc.oneof(...members);
    }
  }
}

function recordKeyValues(keys: RecordKeys): fc.Arbitrary<string> | undefined {
  if (keys.type === "id") return id(keys.tableName);
  if (keys.type === "string") return fc.oneof(fc.constantFrom(...fieldNames, "z"), id("users"));
  const members = keys.value.flatMap((member) => recordKeyValues(member) ?? []);
  return members.length === 0 ? undefined : fc.oneof(...members);
}

function objectValues(type: ObjectJson): fc.Arbitrary<unknown> | undefined {
  const required: Record<string, fc.Arbitrary<unknown>> = {};
  const optional: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, field] of Object.entries(type.value)) {
    const values = valuesOf(field.fieldType);
    if (values === undefined && !field.optional) return undefined;
    if (values !== undefined) (field.optional ? optional : required)[name] = values;
  }
  return fc
    .tuple(fc.record(required), fc.record(optional, { requiredKeys: [] }))
    .map(([always, sometimes]) => ({ ...always, ...sometimes }));
}
