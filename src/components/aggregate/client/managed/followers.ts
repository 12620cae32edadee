/**
 * Tells the followers of a change, within one call, which of them came first. A change may be followed several times: by the
 * engine, by a trigger that the app registers for backends without an engine, by a call beside the write. All of them make the
 * same of it, but only the first one can tell what should have been there before. The engine follows each write as it is made;
 * beside it, the others may come late.
 */
import { request } from "../../../../seams/index.js";
import { encodeKey } from "../../../../values/index.js";
import type { Operation } from "../aggregate.js";
import type { FollowCtx } from "./types.js";

const all = new WeakMap<object, Map<string, Followers>>();

export class Followers {
  #hasEngine = false;
  /** The latest operation of followers other than the engine, by document. */
  readonly #latest = new Map<string, Operation>();

  /** The followers of a definition within the call that the context belongs to. */
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

  /** Whether the engine, which follows each change once, or another follower is the first one of a change. */
  isFirst(operation: Operation, isEngine: boolean): boolean {
    const latest = this.#latest.get(operation.id);
    if (isEngine) {
      this.#hasEngine = true;
      return latest === undefined;
    }
    if (this.#hasEngine) return false;
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
