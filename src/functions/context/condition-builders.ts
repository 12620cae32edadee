/**
 * The `q` of `.withIndex(name, (q) => ...)`, `.filter((q) => ...)` and `.withSearchIndex(name, (q) => ...)`: each collects what
 * the query asks for. In a filter, anything that is not an expression is a literal Convex value, or undefined for a field that
 * is missing.
 */
import type { Value } from "convex/values";
import type { Expression, RangeBound } from "../../database/index.js";
import { shown, TrueupError } from "../../errors/index.js";
import type { SearchCondition } from "../../search/index.js";
import { copyValue, unlimitedValues } from "../boundary/copy-value.js";
import { requireArgument } from "./refused-calls.js";

/** Collects the bounds of an index range. Each method returns the next link of the chain; a link is used once. */
export class IndexRangeBuilder {
  readonly #bounds: readonly RangeBound[];
  #used = false;

  constructor(bounds: readonly RangeBound[] = []) {
    this.#bounds = bounds;
  }

  eq(fieldPath: string, value: unknown): IndexRangeBuilder {
    return this.#with("Eq", fieldPath, value);
  }
  gt(fieldPath: string, value: unknown): IndexRangeBuilder {
    return this.#with("Gt", fieldPath, value);
  }
  gte(fieldPath: string, value: unknown): IndexRangeBuilder {
    return this.#with("Gte", fieldPath, value);
  }
  lt(fieldPath: string, value: unknown): IndexRangeBuilder {
    return this.#with("Lt", fieldPath, value);
  }
  lte(fieldPath: string, value: unknown): IndexRangeBuilder {
    return this.#with("Lte", fieldPath, value);
  }

  /** The bounds collected along the chain. */
  export(): readonly RangeBound[] {
    this.#use();
    return this.#bounds;
  }

  #with(type: RangeBound["type"], fieldPath: string, value: unknown): IndexRangeBuilder {
    this.#use();
    const literal = value === undefined ? undefined : copyValue(value, unlimitedValues);
    return new IndexRangeBuilder([...this.#bounds, { type, fieldPath, value: literal }]);
  }

  #use(): void {
    if (this.#used) {
      throw new TrueupError(
        "INVALID_CALL",
        "An index range builder is used once: chain the calls like `q => q.eq(...).gt(...)`.",
      );
    }
    this.#used = true;
  }
}

/** A built expression. Its class tells it apart from literals. */
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

/** One builder serves every query, since it holds no state. */
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
  field: (path: string): Built => {
    if (typeof path === "string") return new Built({ $field: path });
    throw new TrueupError("INVALID_CALL", `\`field\` takes the path of a field. Received: ${shown(path)}`);
  },
} as const;

/** The type of `q` in a filter. */
export type FilterBuilder = typeof filterBuilder;

/** Collects the conditions of a text search. */
export class SearchFilterBuilder {
  readonly conditions: readonly SearchCondition[];

  constructor(conditions: readonly SearchCondition[] = []) {
    this.conditions = conditions;
  }

  search(fieldPath: string, text: string): SearchFilterBuilder {
    requireArgument(fieldPath, 1, "search", "fieldName");
    requireArgument(text, 2, "search", "query");
    return new SearchFilterBuilder([...this.conditions, { type: "Search", fieldPath, text }]);
  }

  eq(fieldPath: string, value: Value | undefined): SearchFilterBuilder {
    requireArgument(fieldPath, 1, "eq", "fieldName");
    return new SearchFilterBuilder([...this.conditions, { type: "Eq", fieldPath, value }]);
  }
}
