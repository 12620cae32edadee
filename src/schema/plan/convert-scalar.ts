/** Converts values without parts into each other, where everybody would write the same conversion. */
import { jsonToConvex } from "convex/values";
import type { ValidatorJson } from "../schema-json.js";
import { valueText } from "../source/value-text.js";
import { equalsSource, kindOf, type MemberKind } from "./member-tests.js";

/** A conversion, and what the author of the migration should know of it. */
export interface ScalarConversion {
  readonly expression: string;
  readonly decision?: string;
}

type Convert = (from: string) => ScalarConversion;

const conversions: Readonly<Partial<Record<`${MemberKind} ${MemberKind}`, Convert>>> = {
  "number string": (from) => ({ expression: `String(${from})` }),
  "bigint string": (from) => ({ expression: `String(${from})` }),
  "boolean string": (from) => ({ expression: `String(${from})` }),
  "string number": (from) => ({
    expression: `Number(${from})`,
    decision: "text that is no number becomes NaN",
  }),
  "bigint number": (from) => ({
    expression: `Number(${from})`,
    decision: "integers beyond 2^53 are rounded",
  }),
  "boolean number": (from) => ({ expression: `Number(${from})` }),
  "string bigint": (from) => ({
    expression: `BigInt(${from})`,
    decision: "text that is no integer makes the migration throw",
  }),
  "number bigint": (from) => ({
    expression: `BigInt(Math.trunc(${from}))`,
    decision: "fractions are cut off, NaN and infinities make the migration throw",
  }),
  "boolean bigint": (from) => ({ expression: `BigInt(${from})` }),
  "number boolean": (from) => ({
    expression: `${from} !== 0`,
    decision: "0 is false, all else true",
  }),
  "bigint boolean": (from) => ({
    expression: `${from} !== 0n`,
    decision: "0 is false, all else true",
  }),
  "string boolean": (from) => ({
    expression: `${from} === "true"`,
    decision: 'only the text "true" is true',
  }),
};

/**
 * The conversion of a scalar into the first target that has one; undefined when none has. Ids are never converted: text is no
 * id, and an id of one table is no id of another.
 */
export function convertScalar(
  member: ValidatorJson,
  targets: readonly ValidatorJson[],
  from: string,
): ScalarConversion | undefined {
  if (member.type === "id" || member.type === "union" || member.type === "any") return undefined;
  const kind = kindOf(member);
  const literals = targets.flatMap((target) =>
    target.type === "literal" && kindOf(target) === kind ? [jsonToConvex(target.value)] : [],
  );
  const [first] = literals;
  if (first !== undefined) return chooseLiteral(member, literals, valueText(first), from);
  for (const target of targets) {
    if (target.type === "id" || target.type === "literal") continue;
    const convert = conversions[`${kind} ${kindOf(target)}`];
    if (convert !== undefined) return convert(from);
  }
  return undefined;
}

function chooseLiteral(
  member: ValidatorJson,
  literals: readonly unknown[],
  first: string,
  from: string,
): ScalarConversion {
  if (member.type === "literal") {
    const was = valueText(jsonToConvex(member.value));
    return { expression: first, decision: `${was} becomes ${first}` };
  }
  const fits = literals.map((literal) => equalsSource(from, literal)).join(" || ");
  const decision = `what is none of the allowed values becomes ${first}`;
  return { expression: `${fits} ? ${from} : ${first}`, decision };
}
