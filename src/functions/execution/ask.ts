/**
 * How a class asks a component within its transaction, without a call. A function whose handler says that it may be asked (by
 * the symbol `asking`) gets its arguments checked as in any call; then the handler runs in the same turn, with a `ctx` that all
 * questions of a transaction share until somebody else writes to the component. This `ctx` has nothing but a `db`, and that
 * nothing but a native store: documents, which would have to be waited for, it refuses. What the handler returns is not checked
 * again and shares nothing that may be changed.
 *
 * Where the handler throws, or returns a promise, the answer is undefined, and the caller makes the call in the ordinary way, so
 * nothing else depends on this. Handlers of mutations write cells last, so one that has been refused something has changed
 * nothing.
 */
import { asking, nativeStore, type Asked, type NativeStore } from "../../seams/index.js";
import { checkArguments, copyArguments } from "../boundary/check-call.js";
import { readStore, writeStore, type QueryStore } from "../context/database.js";
import type { LoadedComponent, LoadedFunction } from "../program/loaded-component.js";
import type { AskedContext, Execution, TransactionScope } from "./execution.js";
import { checkContext, referenceText } from "./invoke.js";

/** Answers undefined when the function has to be called instead. */
export type Ask = (reference: unknown, args: unknown) => unknown;

type AskedKind = "query" | "mutation";

const targets = new WeakMap<LoadedComponent, WeakMap<object, LoadedFunction | null>>();

/** The offer that `ctx.runQuery` or `ctx.runMutation` of an execution carries. */
export function askFrom(execution: Execution, kind: AskedKind): Ask {
  return (reference, args) => {
    try {
      return ask(execution, kind, reference, args);
    } catch {
      return undefined;
    }
  };
}

function ask(caller: Execution, kind: AskedKind, reference: unknown, args: unknown): unknown {
  const { scope } = caller;
  if (scope === null || caller.isStale) return undefined;
  if (typeof reference !== "object" || reference === null) return undefined;
  caller.assertRunning();
  if (caller.turn.free() !== null || caller.depth >= caller.engine.maxDepth) return undefined;
  const fn = targetOf(caller, reference);
  if (fn === null || fn.kind !== kind) return undefined;
  const shared = sharedContextOf(caller, scope, fn);
  const copied = copyArguments(args, caller.engine.valueLimits);
  checkArguments(fn, copied, checkContext(shared.execution));
  // If a mutation fails, the next question gets another context, without what this one has prepared in memory.
  if (kind === "mutation") shared.changes = -1;
  const answer = fn.handler(shared.ctx, copied);
  if (answer instanceof Promise) {
    // Nobody waits for it: the call finds out by itself.
    answer.catch(() => {});
    return undefined;
  }
  // The handler itself has kept what it shares in step with its own writes.
  shared.changes = scope.tx.changesOf(fn.component.path);
  return answer;
}

/** The function that a reference names; null when it cannot be asked. */
function targetOf({ program, component }: Execution, reference: object): LoadedFunction | null {
  let known = targets.get(component);
  if (known === undefined) {
    known = new WeakMap();
    targets.set(component, known);
  }
  const found = known.get(reference);
  if (found !== undefined) return found;
  const text = referenceText(reference);
  if (program.prepare(component, text) !== null) return null;
  const fn = program.resolve(component, text);
  const target = asking in fn.handler ? fn : null;
  known.set(reference, target);
  return target;
}

/**
 * The contexts are kept in the scope. In a WeakMap, whose values the collector of young objects takes for needed, each
 * transaction would outlive its end.
 */
function sharedContextOf(caller: Execution, scope: TransactionScope, fn: LoadedFunction): AskedContext {
  const { asked } = scope;
  const index = asked.findIndex(({ execution }) => isOfSame(execution, fn));
  const known = asked[index];
  const changes = scope.tx.changesOf(fn.component.path);
  if (known !== undefined && known.changes === changes) return known;
  const execution = caller.nest(fn.component, fn);
  const store = fn.kind === "query" ? readStore(execution) : writeStore(execution);
  const ctx = { db: new DatabaseAtHand(store), [asking]: { kept: undefined } satisfies Asked };
  const shared = { ctx, execution, changes };
  asked[known === undefined ? asked.length : index] = shared;
  return shared;
}

function isOfSame({ component, subject }: Execution, fn: LoadedFunction): boolean {
  return component === fn.component && subject.kind === fn.kind;
}

const refusal = Symbol("this has to be waited for");

/** Thrown where a call has to be made instead. */
function refuse(): never {
  // oxlint-disable-next-line typescript/only-throw-error -- a signal that `askFrom` catches; an Error would cost its stack
  throw refusal;
}

/** The `db` of a `ctx` that questions share: what is at hand is found in its native store, and the rest is refused. */
class DatabaseAtHand {
  readonly [nativeStore]: NativeStore | QueryStore;

  constructor(store: NativeStore | QueryStore) {
    this[nativeStore] = store;
  }

  get(): never {
    return refuse();
  }
  query(): never {
    return refuse();
  }
  insert(): never {
    return refuse();
  }
  patch(): never {
    return refuse();
  }
  replace(): never {
    return refuse();
  }
  delete(): never {
    return refuse();
  }
  get vars(): never {
    return refuse();
  }
}
