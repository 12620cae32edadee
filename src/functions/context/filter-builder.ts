/**
 * The `q` of `.filter((q) => ...)`: builds the expression that the database evaluates per document.
 * Anything that is not an expression is a literal Convex value, or undefined for a missing field.
 */
import type { Value } from "convex/values";
import type { Expression } from "../../database/index.js";
import { copyValue, unlimitedValues } from "../boundary/copy-value.js";

/** A built expression, told apart from literals by its class. */
class Built {
  readonly expression: Expression;
  constructor(expression: Expression) {
    this.expression = expression;
  }
}

type Operand = Built | Value | undefined;

/** The expression of a predicate's result. @throws INVALID_VALUE for a literal that is no Convex value. */
export function toExpression(operand: unknown): Expression {
  if (operand instanceof Built) {
    return operand.expression;
  }
  return { $literal: operand === undefined ? undefined : copyValue(operand, unlimitedValues) };
}

function pair(l: Operand, r: Operand): [Expression, Expression] {
  return [toExpression(l), toExpression(r)];
}

/** One builder serves every query: it holds no state. */
export const filterBuilder = {
  eq: (l: Operand, r: Operand): Built => new Built({ $eq: pair(l, r) }),
  neq: (l: Operand, r: Operand): Built => new Built({ $neq: pair(l, r) }),
  lt: (l: Operand, r: Operand): Built => new Built({ $lt: pair(l, r) }),
  lte: (l: Operand, r: Operand): Built => new Built({ $lte: pair(l, r) }),
  gt: (l: Operand, r: Operand): Built => new Built({ $gt: pair(l, r) }),
  gte: (l: Operand, r: Operand): Built => new Built({ $gte: pair(l, r) }),
  add: (l: Operand, r: Operand): Built => new Built({ $add: pair(l, r) }),
  sub: (l: Operand, r: Operand): Built => new Built({ $sub: pair(l, r) }),
  mul: (l: Operand, r: Operand): Built => new Built({ $mul: pair(l, r) }),
  div: (l: Operand, r: Operand): Built => new Built({ $div: pair(l, r) }),
  mod: (l: Operand, r: Operand): Built => new Built({ $mod: pair(l, r) }),
  neg: (x: Operand): Built => new Built({ $neg: toExpression(x) }),
  and: (...operands: Operand[]): Built => new Built({ $and: operands.map(toExpression) }),
  or: (...operands: Operand[]): Built => new Built({ $or: operands.map(toExpression) }),
  not: (x: Operand): Built => new Built({ $not: toExpression(x) }),
  field: (path: string): Built => new Built({ $field: path }),
} as const;

/** The type of `q` in a filter. */
export type FilterBuilder = typeof filterBuilder;
