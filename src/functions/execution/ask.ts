/**
 * Asks a component within a transaction, without a call. A function whose handler carries the symbol `direct` can be asked
 * without an execution of its own: its arguments are checked as in any call, then its handler runs, with a `ctx` that has
 * nothing but a `db` and that all questions of a transaction share until somebody else writes. The result is not checked
 * again and shares nothing that may be changed; a mutation either does all that it is asked or changes nothing. Whenever
 * this is not possible, also when the handler throws, the answer is undefined, and the caller makes the call in the ordinary
 * way. So nothing else depends on this shortcut.
 */
import type { Value } from "convex/values";
import { direct } from "../../seams/index.js";
import { checkArguments, copyArguments } from "../boundary/check-call.js";
import { readDatabase, writeDatabase } from "../context/database.js";
import type { LoadedComponent, LoadedFunction } from "../program/loaded-component.js";
import type { Execution, TransactionScope } from "./execution.js";
import { checkContext, referenceText } from "./invoke.js";

/** Answers undefined when the function has to be called instead. */
export type Ask = (reference: unknown, args: unknown) => unknown;

/** What the questions to a component share until somebody else writes in the transaction. */
interface Desk {
  readonly ctx: object;
  readonly execution: Execution;
  changes: number;
}

type AskedKind = "query" | "mutation";

const desks = new WeakMap<TransactionScope, Map<string, Desk>>();
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
  if (scope === null || caller.stale || typeof reference !== "object" || reference === null) return undefined;
  caller.assertRunning();
  if (caller.turn.free() !== null || caller.depth >= caller.engine.maxDepth) return undefined;
  const fn = targetOf(caller, reference);
  if (fn === null || fn.kind !== kind) return undefined;
  const desk = deskOf(caller, scope, fn);
  const copied = copyArguments(args, caller.engine.valueLimits);
  checkArguments(fn, copied, checkContext(desk.execution));
  const answer = fn.handler(desk.ctx, copied) as Value | undefined;
  // The handler itself has kept what it shares in step with its own writes.
  if (kind === "mutation") desk.changes = scope.tx.changes;
  return answer instanceof Promise ? undefined : answer;
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
  const target = direct in fn.handler ? fn : null;
  known.set(reference, target);
  return target;
}

function deskOf(caller: Execution, scope: TransactionScope, fn: LoadedFunction): Desk {
  let ofScope = desks.get(scope);
  if (ofScope === undefined) {
    ofScope = new Map();
    desks.set(scope, ofScope);
  }
  const name = `${fn.kind} ${fn.component.path}`;
  const known = ofScope.get(name);
  if (known !== undefined && known.changes === scope.tx.changes) return known;
  const execution = caller.nest(fn.component, fn);
  const db = fn.kind === "query" ? readDatabase(execution) : writeDatabase(execution);
  const ctx = { db, [direct]: true };
  const desk = { ctx, execution, changes: scope.tx.changes };
  ofScope.set(name, desk);
  return desk;
}
