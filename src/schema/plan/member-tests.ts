/**
 * Writes JavaScript tests that tell the members of a union apart at run time: by what `typeof` says, by the value of a literal,
 * or by the tag that every object has. There are no tests for members that look alike, as ids and text do, and two objects
 * without a tag.
 */
import { jsonToConvex } from "convex/values";
import type { ValidatorJson } from "../schema-json.js";
import { valueText } from "../source/value-text.js";
import { discriminate } from "../validation/discriminate.js";

/** The kind of a value, as a test at run time can tell it. */
export type MemberKind =
  | "any"
  | "array"
  | "bigint"
  | "boolean"
  | "bytes"
  | "null"
  | "number"
  | "object"
  | "string";

/** A member and the source of a test that is true of its values. */
export interface MemberTest {
  readonly member: ValidatorJson;
  readonly test: string;
  /** Whether the test is false of the values of all other members, also of those that were tried before. */
  readonly exact: boolean;
  /** The tag that tells the member from other objects, if the test looks at it. */
  readonly tag?: { readonly field: string; readonly value: string };
}

/** The kind of a member's values. A union has no kind of its own and counts as any. */
export function kindOf(member: ValidatorJson): MemberKind {
  switch (member.type) {
    case "literal": {
      const kind = typeof jsonToConvex(member.value);
      return kind === "number" || kind === "bigint" || kind === "boolean" ? kind : "string";
    }
    case "id":
      return "string";
    case "commitTs":
      return "bigint";
    case "record":
      return "object";
    case "union":
      return "any";
    default:
      return member.type;
  }
}

/**
 * The tests for the members of a union, to be tried in order: literals before their kind. Each test is true of the values of
 * its own member, and of no member whose test comes later. Undefined when some members cannot be told apart.
 */
export function memberTests(
  members: readonly ValidatorJson[],
  from: string,
): readonly MemberTest[] | undefined {
  const literals = members.filter((member) => member.type === "literal");
  const others = members.filter((member) => member.type !== "literal");
  const kinds = others.map(kindOf);
  const tests: MemberTest[] = literals.map((member) => ({
    member,
    test: equalsSource(from, jsonToConvex(member.value)),
    exact: true,
  }));
  const objects = others.filter((member) => kindOf(member) === "object");
  const tagged = objects.length > 1 ? discriminate(objects) : undefined;
  const seen = new Set<MemberKind>(members.map(kindOf));
  for (const member of others) {
    const kind = kindOf(member);
    const alone = kinds.filter((other) => other === kind).length === 1;
    if (kind === "any") return undefined;
    if (alone) {
      tests.push({ member, test: kindTest(kind, from, seen), exact: false });
      continue;
    }
    const tag = [...(tagged?.members ?? [])].find(([, object]) => object === member)?.[0];
    if (tagged === undefined || tag === undefined) return undefined;
    const tagTest = `${from}.${tagged.field} === ${valueText(tag)}`;
    const test = seen.size === 1 ? tagTest : `${kindTest(kind, from, seen)} && ${tagTest}`;
    tests.push({ member, test, exact: true, tag: { field: tagged.field, value: tag } });
  }
  return tests;
}

function kindTest(kind: MemberKind, from: string, among: ReadonlySet<MemberKind>): string {
  switch (kind) {
    case "null":
      return `${from} === null`;
    case "array":
      return `Array.isArray(${from})`;
    case "bytes":
      return `${from} instanceof ArrayBuffer`;
    case "object":
      return [
        `typeof ${from} === "object"`,
        ...(among.has("null") ? [`${from} !== null`] : []),
        ...(among.has("array") ? [`!Array.isArray(${from})`] : []),
        ...(among.has("bytes") ? [`!(${from} instanceof ArrayBuffer)`] : []),
      ].join(" && ");
    default:
      return `typeof ${from} === "${kind}"`;
  }
}

/** The source that compares with a literal as a validator does, where 0 is not -0 and NaN is NaN. */
export function equalsSource(from: string, literal: unknown): string {
  const plain = literal !== 0 && !Number.isNaN(literal);
  const text = valueText(literal);
  return plain ? `${from} === ${text}` : `Object.is(${from}, ${text})`;
}
