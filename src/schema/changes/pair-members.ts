/**
 * Pairs each member of an old union with the member of the new one that it has become, so that a change inside one member is
 * reported as that, and not as one member removed and another added.
 */
import type { ValidatorJson } from "../schema-json.js";
import { validatorText } from "../source/validator-text.js";
import { membersByTag } from "../validation/discriminate.js";

/** A pair of members that differ, and the tag they share when one tells the members apart. */
export interface MemberPair {
  readonly before: ValidatorJson;
  readonly after: ValidatorJson;
  readonly tag?: { readonly field: string; readonly value: string };
}

/** How the members of two unions belong together. */
export interface MemberPairing {
  /** How many members are the same on both sides. */
  readonly same: number;
  readonly pairs: readonly MemberPair[];
  readonly removed: readonly ValidatorJson[];
  readonly added: readonly ValidatorJson[];
}

/** Whether both are written the same way, in whatever order of fields. */
export function sameType(first: ValidatorJson, second: ValidatorJson): boolean {
  return validatorText(first) === validatorText(second);
}

/** Pairs the members of two unions. O(members² · size) at worst. */
export function pairMembers(
  before: readonly ValidatorJson[],
  after: readonly ValidatorJson[],
): MemberPairing {
  const removed = before.filter((member) => !after.some((other) => sameType(member, other)));
  const added = after.filter((member) => !before.some((other) => sameType(member, other)));
  const same = before.length - removed.length;
  const pairs = [
    ...pairTagged(removed, added),
    ...(["object", "array", "record"] as const).flatMap((type) => pairOnly(type, removed, added)),
  ];
  const paired = (member: ValidatorJson): boolean =>
    pairs.some((pair) => pair.before === member || pair.after === member);
  return {
    same,
    pairs,
    removed: removed.filter((member) => !paired(member)),
    added: added.filter((member) => !paired(member)),
  };
}

/** The pair of the only members of a structured kind, when each side has one left. */
function pairOnly(
  type: "object" | "array" | "record",
  removed: readonly ValidatorJson[],
  added: readonly ValidatorJson[],
): readonly MemberPair[] {
  const [before, ...moreBefore] = removed.filter((member) => member.type === type);
  const [after, ...moreAfter] = added.filter((member) => member.type === type);
  if (before === undefined || after === undefined) return [];
  return moreBefore.length + moreAfter.length === 0 ? [{ before, after }] : [];
}

/** The pairs of objects that have the same literal in a field that tells all objects apart. */
function pairTagged(
  removed: readonly ValidatorJson[],
  added: readonly ValidatorJson[],
): readonly MemberPair[] {
  const before = removed.filter((member) => member.type === "object");
  const after = added.filter((member) => member.type === "object");
  if (before.length + after.length < 3) return [];
  const [first] = before;
  for (const field of Object.keys(first?.value ?? {})) {
    const beforeByTag = membersByTag(before, field);
    const afterByTag = membersByTag(after, field);
    if (beforeByTag === undefined || afterByTag === undefined) continue;
    return [...beforeByTag].flatMap(([value, member]) => {
      const other = afterByTag.get(value);
      return other === undefined ? [] : [{ before: member, after: other, tag: { field, value } }];
    });
  }
  return [];
}
