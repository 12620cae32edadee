/** Checks what crosses the edge of a function: its arguments before it runs, its result after. */
import { inspect } from "node:util";
import type { Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";
import { describeViolations, type CheckContext } from "../../schema/index.js";
import { isPlainObject } from "../../values/index.js";
import { PreparedQuery, TableQuery } from "../context/query-builder.js";
import type { LoadedFunction } from "../program/loaded-component.js";
import { copyValue, type ValueLimits } from "./copy-value.js";

/** A copy of the arguments, which must be an object; without arguments an empty one. @throws INVALID_VALUE, INVALID_ARGUMENTS */
export function copyArguments(args: unknown, limits: ValueLimits): Value {
  if (args === undefined) {
    return {};
  }
  if (!isPlainObject(args)) {
    throw new TrueupError(
      "INVALID_ARGUMENTS",
      `The arguments to a Convex function must be an object. Received: ${inspect(args)}`,
    );
  }
  return copyValue(args, limits);
}

/** @throws INVALID_ARGUMENTS with every violation in `details`. */
export function checkArguments(fn: LoadedFunction, args: Value, context: CheckContext): void {
  if (fn.args !== null && !fn.args.fits(args, context)) {
    const violations = fn.args.check(args, context);
    throw new TrueupError("INVALID_ARGUMENTS", `ArgumentValidationError: ${describeViolations(violations)}`, {
      path: fn.path,
      violations,
    });
  }
}

/** A copy of what a function returned, with null for undefined. @throws INVALID_RETURN, INVALID_VALUE */
export function copyResult(path: string, result: unknown, limits: ValueLimits): Value {
  if (result instanceof TableQuery || result instanceof PreparedQuery) {
    throw new TrueupError(
      "INVALID_RETURN",
      "Return value is a Query. Results must be retrieved with `.collect()`, `.take(n), `.unique()`, or `.first()`.",
      { path },
    );
  }
  if (result === undefined || result === null) {
    return null;
  }
  try {
    return copyValue(result, limits);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TrueupError(
      "INVALID_RETURN",
      `Function ${path} return value invalid: ${reason}`,
      { path },
      error,
    );
  }
}

/** @throws INVALID_RETURN with every violation in `details`. */
export function checkResult(fn: LoadedFunction, result: Value, context: CheckContext): void {
  if (fn.returns !== null && !fn.returns.fits(result, context)) {
    const violations = fn.returns.check(result, context);
    throw new TrueupError("INVALID_RETURN", `ReturnsValidationError: ${describeViolations(violations)}`, {
      path: fn.path,
      kind: fn.kind,
      violations,
    });
  }
}
