/**
 * Runs exported triggers after every write, whoever makes it, as change hooks of the database. A trigger runs inside the
 * write's own sub-transaction: when it throws, the write is undone and the writer gets the error. Writes through `innerDb`
 * set off no triggers, so that a trigger can write to its own table.
 */
import type { ChangeHook } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import { mutationContext } from "../context/contexts.js";
import { writeDatabase } from "../context/database.js";
import type { TriggerFunction } from "../../seams/index.js";
import type { LoadedComponent } from "../program/loaded-component.js";
import { currentExecution, Execution, TransactionScope, type Engine, type Request } from "./execution.js";
import type { LoadedProgram } from "../program/loaded-program.js";

const maxDepth = 64;

/**
 * What the execution of a trigger belongs to. `newRequest` makes its request when no function made the write, but maintenance or
 * an import.
 */
export interface TriggerHost {
  readonly engine: Engine;
  readonly program: LoadedProgram;
  newRequest(): Request;
}

/** One change hook for each trigger of each table of a component. */
export function triggerHooks(
  host: TriggerHost,
  component: LoadedComponent,
): ReadonlyMap<string, readonly ChangeHook[]> {
  const hooks = new Map<string, readonly ChangeHook[]>();
  for (const [tableName, functions] of component.triggers.byTable) {
    hooks.set(
      tableName,
      functions.map((fn) => triggerHook(host, component, tableName, fn)),
    );
  }
  return hooks;
}

function triggerHook(
  host: TriggerHost,
  component: LoadedComponent,
  tableName: string,
  trigger: TriggerFunction,
): ChangeHook {
  const path = `trigger on ${tableName}`;
  return async (tx, change) => {
    const current = currentExecution.getStore();
    const writer = current !== undefined && current.scope?.tx === tx ? current : null;
    if (writer?.isWithoutTriggers === true) {
      return;
    }
    writer?.assertSound();
    const execution = new Execution({
      engine: host.engine,
      program: host.program,
      component,
      subject: { kind: "mutation", path: writer?.subject.path ?? path, visibility: "internal" },
      request: writer?.request ?? host.newRequest(),
      scope: writer?.scope ?? new TransactionScope(tx, tx),
      parent: writer,
    });
    execution.triggerDepth += 1;
    if (execution.triggerDepth > maxDepth) {
      throw failAll(writer, tooDeep(tableName, change.id));
    }
    const { operation, id, oldDoc, newDoc } = change;
    const inner = withoutTriggers(execution);
    const ctx = { ...mutationContext(execution), innerDb: writeDatabase(inner) };
    try {
      await currentExecution.run(execution, trigger, ctx, { operation, id, oldDoc, newDoc });
    } finally {
      await execution.end();
      await inner.end();
    }
    execution.assertSound();
  };
}

function tooDeep(table: string, id: string): TrueupError {
  const message = `Triggers on '${table}' set each other off more than ${maxDepth} times.`;
  return new TrueupError("TRIGGERS_TOO_DEEP", message, { table, id });
}

/**
 * Makes the whole chain of triggers fail, also those that would catch the error and write again, because each of them would
 * double the writes to come.
 */
function failAll(last: Execution | null, error: TrueupError): TrueupError {
  for (let at = last; at !== null && at.triggerDepth > 0; at = at.parent) {
    at.fail(error);
  }
  return error;
}

/** The execution that `innerDb` writes in. It shares the turn, and its writes set off no triggers. */
function withoutTriggers(execution: Execution): Execution {
  const { engine, program, component, subject, request, scope, turn } = execution;
  const inner = new Execution({
    engine,
    program,
    component,
    subject,
    request,
    scope,
    turn,
    parent: execution,
  });
  inner.isWithoutTriggers = true;
  return inner;
}
