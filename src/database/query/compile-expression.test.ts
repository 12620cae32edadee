import type { Value } from "convex/values";
import { expect, test } from "vitest";
import type { Document } from "../documents/document.js";
import { compileFilter } from "./compile-expression.js";
import type { Expression } from "./query.js";

const document: Document = {
  _id: "id",
  _creationTime: 1,
  n: 6,
  i: 6n,
  s: "b",
  t: true,
  o: { x: [1] },
};

const field = (path: string): Expression => ({ $field: path });
const literal = (value: Value | undefined): Expression => ({ $literal: value });
const eq = (left: Expression, right: Expression): Expression => ({ $eq: [left, right] });

/** Whether the expression has that value. */
function evaluatesTo(expression: Expression, value: Value | undefined): boolean {
  return compileFilter(eq(expression, literal(value)))(document);
}

const equal: [name: string, expression: Expression, value: Value | undefined][] = [
  ["a field", field("n"), 6],
  ["a field in an object", field("o.x"), [1]],
  ["a missing field", field("nothing"), undefined],
  ["a field of something that is no object", field("s.length"), undefined],
  ["a field of an array", field("o.x.length"), undefined],
  ["a name that all objects inherit", field("constructor"), undefined],
  ["a sum", { $add: [field("n"), literal(0.5)] }, 6.5],
  ["a difference", { $sub: [field("i"), literal(7n)] }, -1n],
  ["a product", { $mul: [field("n"), field("n")] }, 36],
  ["a quotient", { $div: [field("n"), literal(4)] }, 1.5],
  ["a quotient of int64", { $div: [field("i"), literal(-4n)] }, -1n],
  ["a division by zero", { $div: [field("n"), literal(0)] }, Infinity],
  ["a remainder", { $mod: [{ $neg: field("n") }, literal(4)] }, -2],
  ["an int64 that overflows", { $add: [literal(2n ** 63n - 1n), literal(1n)] }, -(2n ** 63n)],
];

test.each(equal)("%s", (_, expression, value) => {
  expect(evaluatesTo(expression, value)).toBe(true);
});

test("values of different types are never equal and compare by their types", () => {
  expect(compileFilter(eq(field("n"), field("i")))(document)).toBe(false);
  expect(compileFilter({ $lt: [field("i"), field("n")] })(document)).toBe(true);
  expect(compileFilter({ $lt: [field("nothing"), literal(null)] })(document)).toBe(true);
  expect(compileFilter({ $gte: [field("s"), literal("a")] })(document)).toBe(true);
  expect(compileFilter({ $neq: [literal(-0), literal(0)] })(document)).toBe(true);
});

test("and and or stop at the first operand that decides", () => {
  const fails: Expression = { $not: field("n") };
  expect(compileFilter({ $and: [literal(false), fails] })(document)).toBe(false);
  expect(compileFilter({ $or: [field("t"), fails] })(document)).toBe(true);
  expect(compileFilter({ $and: [] })(document)).toBe(true);
  expect(compileFilter({ $or: [] })(document)).toBe(false);
});

const refused: [name: string, expression: Expression, message: RegExp][] = [
  ["a filter that is no boolean", field("s"), /Expected a boolean .* type string.*q\.eq/],
  ["a filter on a missing field", field("nothing"), /undefined \(the field is missing\)/],
  ["logic on something else", { $not: literal(1) }, /boolean/],
  ["arithmetic on two types", eq({ $add: [literal(1), literal(1n)] }, literal(1)), /add .*float64 and int64/],
  ["the negative of a string", eq({ $neg: field("s") }, literal(1)), /negate .*string/],
  ["an int64 divided by zero", eq({ $mod: [field("i"), literal(0n)] }, literal(1)), /by zero/],
  ["no operator", {} as Expression, /no such operator/],
];

test.each(refused)("%s is refused", (_, expression, message) => {
  const evaluate = (): unknown => compileFilter(expression)(document);
  expect(evaluate).toThrow(expect.objectContaining({ code: "INVALID_FILTER" }));
  expect(evaluate).toThrow(message);
});
