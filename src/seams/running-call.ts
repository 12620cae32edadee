/** What Trueup's `ctx` and its `Convex` global tell about the running call, beyond what those of Convex tell. */

/**
 * On `ctx.runQuery` and `ctx.runMutation`: a function of a reference and arguments that asks the component within the same
 * transaction, in the same turn and without a call; it answers undefined where the call has to be made. The offer is a property
 * of the two, so that whoever puts another function in their place is asked instead. On a handler: it may be asked so. On a
 * `ctx`, an `Asked`: its handler is being asked.
 */
export const asking: unique symbol = Symbol.for("trueup.asking");

/** Is the same for all questions that share a `ctx`. */
export interface Asked {
  /** What the component has kept for the next question. */
  kept: unknown;
}

/** Undefined where the handler is not asked but called. */
export function askedBy(ctx: object): Asked | undefined {
  return asking in ctx ? (ctx[asking] as Asked) : undefined;
}

/**
 * `ctx.runQuery` and `ctx.runMutation` name the call that they are a part of under this symbol: an object of its own per call.
 */
export const request: unique symbol = Symbol.for("trueup.request");

/** Trueup's `Convex` global has a method under this symbol, which returns the function that runs. */
export const runningFunction: unique symbol = Symbol.for("trueup.runningFunction");

/** The function that runs, as far as others may act on it. */
export interface RunningFunction {
  /** Makes the function fail whatever it returns. */
  fail(error: Error): void;
  /** Keeps the function's `ctx` open until this has settled. */
  holdFor(work: Promise<unknown>): void;
}
