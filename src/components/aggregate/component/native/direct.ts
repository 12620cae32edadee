/**
 * Questions that are answered, and writes that are made, at once. On Trueup the class may ask the component without a call
 * in between: then a handler marked as `direct` runs with a `ctx` that all questions of a transaction share until others
 * write, and must make do with what is at hand, or throw before it changes anything. What it returns belongs to whoever
 * asked. Everywhere else handlers are called as ever.
 */
import { CommitTsPlaceholder, type Value } from "convex/values";
import { direct as brand } from "../../../../seams/index.js";
import { mutation, query, type MutationCtx, type QueryCtx } from "../_generated/server.js";

/** What may be there at once. */
export type Soon<T> = T | Promise<T>;

/** A query whose handler can be asked: where `isAsked`, it awaits nothing, or throws. */
export const askableQuery: typeof query = (definition) => query(markAskable(definition));

/** A mutation whose handler can be asked: where `isAsked`, it awaits nothing, or throws and has changed nothing. */
export const askableMutation: typeof mutation = (definition) => mutation(markAskable(definition));

function markAskable<Definition extends object>(definition: Definition & { handler?: object }): Definition {
  Object.assign(definition.handler ?? definition, { [brand]: true });
  return definition;
}

/** True for the `ctx` of a question. */
export function isAsked(ctx: QueryCtx | MutationCtx): boolean {
  return brand in ctx;
}

/** Thrown where something would have to be waited for: then the call is made. */
export function throwNotAtHand(): never {
  // oxlint-disable-next-line typescript/only-throw-error -- a signal between here and the engine, which looks at nothing of it
  throw notAtHand;
}

const notAtHand = Symbol("not at hand");

/** Goes on with what may be there at once. */
export function afterwards<T, U>(value: Soon<T>, next: (value: T) => U): Soon<U> {
  return value instanceof Promise ? after(value, next) : next(value);
}

async function after<T, U>(promise: Promise<T>, next: (value: T) => U): Promise<U> {
  return next(await promise);
}

/** A value that shares nothing with this one. */
export function copyOf(value: Value): Value {
  if (typeof value !== "object" || value === null || value instanceof CommitTsPlaceholder) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  if (value instanceof ArrayBuffer) return value.slice(0);
  const fields: [string, Value][] = [];
  for (const [name, field] of Object.entries(value)) {
    if (field !== undefined) fields.push([name, copyOf(field)]);
  }
  return Object.fromEntries(fields);
}
