/**
 * Runs one handler within its execution, and the nested calls that handlers make. Every value that crosses between two
 * functions is copied and checked, but not serialised. A reference is resolved once in the life of a program.
 */
import { getFunctionAddress } from "convex/server";
import type { FunctionReference } from "convex/server";
import type { Value } from "convex/values";
import type { TransactionLimits } from "../../database/index.js";
import { shown, TrueupError } from "../../errors/index.js";
import { isPlainObject } from "../../values/index.js";
import type { CheckContext } from "../../schema/index.js";
import { checkArguments, checkResult, copyArguments, copyResult } from "../boundary/check-call.js";
import type { FunctionKind, Handler } from "../program/registered-function.js";
import type { LoadedFunction } from "../program/loaded-component.js";
import { currentExecution, type Execution } from "./execution.js";
import { detachThrown } from "./thrown.js";

/** Makes the `ctx` of an execution. */
export type MakeContext = (execution: Execution) => object;

/** What a call inside a transaction may ask for. */
export interface NestedOptions {
  readonly transactionLimits?: Partial<TransactionLimits>;
  readonly useStaleSnapshot?: boolean;
}

const noOptions: NestedOptions = {};

/** What the caller of a nested function gave as options. @throws INVALID_CALL when they are none */
export function nestedOptions(given: unknown): NestedOptions {
  if (given === undefined || given === null) return noOptions;
  if (!isPlainObject(given)) {
    throw new TrueupError(
      "INVALID_CALL",
      `The options of a call must be an object. Received: ${shown(given)}`,
    );
  }
  const { transactionLimits = {} } = given;
  const limits: unknown[] = isPlainObject(transactionLimits) ? Object.values(transactionLimits) : [null];
  if (!limits.every((limit) => limit === undefined || (typeof limit === "number" && limit >= 0))) {
    throw new TrueupError(
      "INVALID_CALL",
      "`transactionLimits` must be an object of numbers, none below zero.",
    );
  }
  return given;
}

/** Whatever names a function: a reference, a handle, or `dir/mod:fn`. */
export type AnyReference = FunctionReference<FunctionKind, "public" | "internal"> | string;

/** The text of a reference: a name, `_reference/...` or a handle. @throws INVALID_CALL */
export function referenceText(reference: unknown): string {
  if (typeof reference === "string") {
    return reference;
  }
  try {
    const address = getFunctionAddress(reference);
    const text = address.name ?? address.reference ?? address.functionHandle;
    if (typeof text === "string") {
      return text;
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TrueupError("INVALID_CALL", reason, {}, error);
  }
  throw new TrueupError("INVALID_CALL", `${shown(reference)} is not a functionReference`);
}

/** Calls the handler, then closes its ctx. Returns a checked copy of its result. */
export async function invoke(
  execution: Execution,
  ctx: object,
  handler: Handler,
  fn: LoadedFunction | null,
  args: unknown,
): Promise<Value> {
  let result: unknown;
  try {
    try {
      result = await currentExecution.run(execution, handler, ctx, args);
    } finally {
      const ending = execution.end();
      if (ending !== null) {
        await ending;
      }
    }
    execution.assertSound();
  } catch (thrown) {
    throw detachThrown(thrown);
  }
  const copied = copyResult(execution.subject.path, result, execution.engine.valueLimits);
  if (fn !== null) {
    checkResult(fn, copied, checkContext(execution));
  }
  return copied;
}

/** Refuses a call of a query as a mutation, and the like. @throws FUNCTION_WRONG_KIND */
export function assertKind(fn: LoadedFunction, kind: FunctionKind): void {
  if (fn.kind !== kind) {
    throw new TrueupError(
      "FUNCTION_WRONG_KIND",
      `'${fn.path}' is ${fn.kind === "action" ? "an" : "a"} ${fn.kind}, called as ${kind === "action" ? "an" : "a"} ${kind}.`,
      { path: fn.path, kind: fn.kind, calledAs: kind },
    );
  }
}

/** Tells which table an id is of when a value is checked: as the transaction sees it, else as of the last commit. */
export function checkContext(execution: Execution): CheckContext {
  const { engine, component, scope } = execution;
  if (scope === null) {
    return { tableOfId: (id) => engine.database.tableOfId(component.path, id) };
  }
  return scope.tx.component(component.path);
}

/**
 * `ctx.runQuery` and `ctx.runMutation` of a function that has a transaction. A mutation is a sub-transaction: when it throws,
 * its own writes are undone and the caller may go on.
 */
export async function callNested(
  parent: Execution,
  kind: "query" | "mutation",
  reference: unknown,
  args: unknown,
  options: NestedOptions,
  makeContext: MakeContext,
): Promise<Value> {
  parent.assertRunning();
  const text = referenceText(reference);
  const importing = parent.program.prepare(parent.component, text);
  if (importing !== null) {
    await importing;
  }
  const fn = parent.program.resolve(parent.component, text);
  assertKind(fn, kind);
  const stale = parent.isStale || options.useStaleSnapshot === true;
  const child = parent.nest(fn.component, fn, parent.scope, stale);
  const copied = copyArguments(args, parent.engine.valueLimits);
  checkArguments(fn, copied, checkContext(child));
  const run = (): Promise<Value> => invoke(child, makeContext(child), fn.handler, fn, copied);
  if (kind === "mutation") {
    return await parent.mutation.nested(run, options.transactionLimits);
  }
  return options.transactionLimits === undefined
    ? await run()
    : await parent.transaction.tx.limited(run, options.transactionLimits);
}
