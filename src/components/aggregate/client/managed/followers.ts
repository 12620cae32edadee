/**
 * What the followers of one call know of each other. A change may be followed by several: by the engine, by triggers that an app
 * registers for where there is no engine, by a call beside the write. Each makes the same of it, but only who comes first can
 * tell what should have been there before; and beside the engine, which follows each write as it is made, the others may come
 * late.
 */
import { request } from "../../../../seams/index.js";
import { encodeKey } from "../../../../values/index.js";
import type { Operation } from "../aggregate.js";
import type { FollowCtx } from "./types.js";

const all = new WeakMap<object, Map<string, Followers>>();

export class Followers {
  #hasEngine = false;
  /** What others than the engine made last of each document. */
  readonly #latest = new Map<string, Operation>();

  /** Those of a definition. */
  static of({ runMutation }: FollowCtx, definition: string): Followers {
    // Where nothing names the call, each call of a function has a `runMutation` of its own.
    const named: unknown = Reflect.get(runMutation, request);
    const key = typeof named === "object" && named !== null ? named : runMutation;
    let ofCall = all.get(key);
    if (ofCall === undefined) all.set(key, (ofCall = new Map<string, Followers>()));
    let followers = ofCall.get(definition);
    if (followers === undefined) ofCall.set(definition, (followers = new Followers()));
    return followers;
  }

  /** Whether the engine, which comes once to each change, comes before the others. */
  isEngineFirst({ id }: Operation): boolean {
    this.#hasEngine = true;
    return !this.#latest.has(id);
  }

  /** Whether somebody else comes to a change before all others. */
  isFirst(operation: Operation): boolean {
    if (this.#hasEngine) return false;
    const latest = this.#latest.get(operation.id);
    this.#latest.set(operation.id, operation);
    return latest === undefined || !isSame(latest, operation);
  }
}

function isSame(a: Operation, b: Operation): boolean {
  return a.type === b.type && encodeKey(placesOf(a)) === encodeKey(placesOf(b));
}

function placesOf(operation: Operation) {
  return "newKey" in operation
    ? [
        operation.namespace,
        operation.currentKey,
        operation.newNamespace,
        operation.newKey,
        operation.sumValue,
      ]
    : [operation.namespace, operation.key];
}
