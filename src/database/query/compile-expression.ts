/**
 * Compiles filters to closures. Comparisons follow the order of index keys: a missing field is undefined and
 * sorts first, and values of different types are never equal. Arithmetic takes two float64 or two int64, and
 * int64 wraps around. Logic takes booleans only.
 */
import type { Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";
import { compareValues } from "../../values/index.js";
import { type Document, valueAt } from "../documents/document.js";
import type { Expression } from "./query.js";

type Evaluate = (document: Document) => Value | undefined;

/** Whether a document passes. @throws INVALID_FILTER when the expression does not come to a boolean. */
export function compileFilter(expression: Expression): (document: Document) => boolean {
  const evaluate = compile(expression);
  return (document) => requireBoolean(evaluate(document));
}

function compile(expression: Expression): Evaluate {
  if ("$literal" in expression) {
    const literal = expression.$literal;
    return () => literal;
  }
  if ("$field" in expression) {
    const path = expression.$field.split(".");
    return (document) => valueAt(document, path);
  }
  if ("$eq" in expression) return comparison(expression.$eq, (order) => order === 0);
  if ("$neq" in expression) return comparison(expression.$neq, (order) => order !== 0);
  if ("$lt" in expression) return comparison(expression.$lt, (order) => order < 0);
  if ("$lte" in expression) return comparison(expression.$lte, (order) => order <= 0);
  if ("$gt" in expression) return comparison(expression.$gt, (order) => order > 0);
  if ("$gte" in expression) return comparison(expression.$gte, (order) => order >= 0);
  if ("$and" in expression) {
    const parts = expression.$and.map(compileFilter);
    return (document) => parts.every((part) => part(document));
  }
  if ("$or" in expression) {
    const parts = expression.$or.map(compileFilter);
    return (document) => parts.some((part) => part(document));
  }
  if ("$not" in expression) {
    const part = compileFilter(expression.$not);
    return (document) => !part(document);
  }
  return compileArithmetic(expression);
}

function comparison(
  [left, right]: readonly [Expression, Expression],
  decide: (order: number) => boolean,
): Evaluate {
  const evaluateLeft = compile(left);
  const evaluateRight = compile(right);
  return (document) => decide(compareValues(evaluateLeft(document), evaluateRight(document)));
}

function compileArithmetic(expression: Expression): Evaluate {
  if ("$add" in expression) {
    return arithmetic(
      "add",
      expression.$add,
      (a, b) => a + b,
      (a, b) => a + b,
    );
  }
  if ("$sub" in expression) {
    return arithmetic(
      "subtract",
      expression.$sub,
      (a, b) => a - b,
      (a, b) => a - b,
    );
  }
  if ("$mul" in expression) {
    return arithmetic(
      "multiply",
      expression.$mul,
      (a, b) => a * b,
      (a, b) => a * b,
    );
  }
  if ("$div" in expression) return arithmetic("divide", expression.$div, (a, b) => a / b, divideIntegers);
  if ("$mod" in expression) return arithmetic("mod", expression.$mod, (a, b) => a % b, remainder);
  if ("$neg" in expression) {
    const evaluate = compile(expression.$neg);
    return (document) => {
      const value = evaluate(document);
      if (typeof value === "number") return -value;
      if (typeof value === "bigint") return BigInt.asIntN(64, -value);
      throw invalid(`Cannot negate a value of type ${typeName(value)}`);
    };
  }
  throw invalid(`There is no such operator: ${Object.keys(expression).join(", ") || "none"}`);
}

function arithmetic(
  name: string,
  [left, right]: readonly [Expression, Expression],
  floats: (a: number, b: number) => number,
  integers: (a: bigint, b: bigint) => bigint,
): Evaluate {
  const evaluateLeft = compile(left);
  const evaluateRight = compile(right);
  return (document) => {
    const a = evaluateLeft(document);
    const b = evaluateRight(document);
    if (typeof a === "number" && typeof b === "number") return floats(a, b);
    if (typeof a === "bigint" && typeof b === "bigint") return BigInt.asIntN(64, integers(a, b));
    throw invalid(`Cannot ${name} values of types ${typeName(a)} and ${typeName(b)}`);
  };
}

function divideIntegers(a: bigint, b: bigint): bigint {
  if (b === 0n) throw invalid("Cannot divide an int64 by zero");
  return a / b;
}

function remainder(a: bigint, b: bigint): bigint {
  if (b === 0n) throw invalid("Cannot divide an int64 by zero");
  return a % b;
}

function requireBoolean(value: Value | undefined): boolean {
  if (typeof value === "boolean") return value;
  throw invalid(
    `Expected a boolean in a filter, got a value of type ${typeName(value)}. Compare it: q.eq(q.field("done"), true).`,
  );
}

function typeName(value: Value | undefined): string {
  if (value === undefined) return "undefined (the field is missing)";
  if (value === null) return "null";
  if (typeof value === "number") return "float64";
  if (typeof value === "bigint") return "int64";
  if (typeof value !== "object") return typeof value;
  if (Array.isArray(value)) return "array";
  return value instanceof ArrayBuffer ? "bytes" : "object";
}

function invalid(message: string): TrueupError {
  return new TrueupError("INVALID_FILTER", `${message}.`);
}
