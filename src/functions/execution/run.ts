/**
 * Runs a function that is in no transaction yet: a query in a snapshot, a mutation in a transaction that is committed when the
 * function returns, and an action outside of any transaction. The calls of an action come back here.
 */
import type { Value } from "convex/values";
import type { QueryTransaction } from "../../database/index.js";
import type { StorageSnapshot, Version } from "../../storage/storage.js";
import { checkArguments, copyArguments } from "../boundary/check-call.js";
import { resolveCommitTs } from "../boundary/copy-value.js";
import type { FunctionSuccess, JobRun } from "../call.js";
import { actionContext, transactionContext } from "../context/contexts.js";
import type { LoadedComponent, LoadedFunction } from "../program/loaded-component.js";
import type { LoadedProgram } from "../program/loaded-program.js";
import type { FunctionKind, Handler } from "../program/registered-function.js";
import { answeredBefore, keepAnswer, type ClientRequest } from "./client-answers.js";
import { Execution, TransactionScope, type Engine, type Request, type Subject } from "./execution.js";
import { assertKind, checkContext, invoke, referenceText } from "./invoke.js";
import { traced } from "./trace.js";

/** A function, or a handler, that is about to run. Its arguments are a copy of its own. */
export interface Run {
  readonly engine: Engine;
  readonly program: LoadedProgram;
  readonly component: LoadedComponent;
  readonly subject: Subject;
  readonly handler: Handler;
  /** Null for a handler that is no registered function, so that nothing is validated. */
  readonly fn: LoadedFunction | null;
  readonly args: unknown;
  readonly request: Request;
  /** The action that makes the call; null for a call from outside. */
  readonly parent: Execution | null;
}

/** Told of the transaction before anything runs in it, at every attempt; what it throws ends the call. */
type OnBegin = (tx: QueryTransaction) => void;

export function runQuery(
  run: Run,
  onBegin: OnBegin = () => {},
  snapshot?: StorageSnapshot,
): Promise<Pick<FunctionSuccess, "value" | "version" | "readSet">> {
  const { database, transactions } = run.engine;
  return traced(
    run,
    (attempted) =>
      database.query(
        (tx) => {
          attempted?.(tx);
          onBegin(tx);
          return inTransaction(run, new TransactionScope(tx, null));
        },
        { ...transactions, snapshot },
      ),
    committed,
  );
}

/** On whose behalf a mutation runs, which is noted in its transaction. */
interface MutationOrigin {
  /** Changes its state. The function does not run when `before` resolves with false. */
  readonly job: JobRun | null;
  /** Is answered once: the function does not run when it was. */
  readonly once: ClientRequest | null;
}

const noOrigin: MutationOrigin = { job: null, once: null };

export async function runMutation(
  run: Run,
  { job, once }: MutationOrigin = noOrigin,
  onBegin: OnBegin = () => {},
): Promise<Pick<FunctionSuccess, "value" | "version">> {
  const { database, transactions } = run.engine;
  const logged = run.request.log.length;
  let usesCommitTs = false;
  const { value, version } = await traced(
    run,
    (attempted) =>
      database.mutate(async (tx) => {
        attempted?.(tx);
        onBegin(tx);
        run.request.log.truncate(logged);
        if (job !== null && !(await job.before(tx))) {
          return null;
        }
        const answer = once === null ? undefined : await answeredBefore(tx, once);
        if (answer !== undefined) return answer.value;
        const scope = new TransactionScope(tx, tx);
        const result = await inTransaction(run, scope);
        if (job !== null) await job.after(tx);
        if (once !== null) await keepAnswer(tx, once, scope.usesCommitTs ? undefined : result);
        usesCommitTs = scope.usesCommitTs;
        return result;
      }, transactions),
    committed,
  );
  return { value: usesCommitTs ? resolveCommitTs(value, BigInt(version) * 1000n) : value, version };
}

export async function runAction(run: Run): Promise<Value> {
  const execution = executionOf(run, null);
  if (run.fn !== null) {
    checkArguments(run.fn, run.args as Value, checkContext(execution));
  }
  const ctx = actionContext(execution, callFromAction);
  const { within } = run.engine;
  return await traced(run, () =>
    within(execution, () => invoke(execution, ctx, run.handler, run.fn, run.args)),
  );
}

/** `ctx.runQuery`, `runMutation` and `runAction` of an action. */
export async function callFromAction(
  from: Execution,
  kind: FunctionKind,
  reference: unknown,
  args: unknown,
): Promise<Value> {
  const { engine, program, component, request } = from;
  const text = referenceText(reference);
  const importing = program.prepare(component, text);
  if (importing !== null) {
    await importing;
  }
  const fn = program.resolve(component, text);
  assertKind(fn, kind);
  const copied = copyArguments(args, engine.valueLimits);
  const run: Run = {
    engine,
    program,
    component: fn.component,
    subject: fn,
    handler: fn.handler,
    fn,
    args: copied,
    request,
    parent: from,
  };
  if (kind === "action") {
    return await runAction(run);
  }
  const { value } = kind === "query" ? await runQuery(run) : await runMutation(run);
  return value;
}

function committed({ version }: { readonly version: Version }): Version {
  return version;
}

function inTransaction(run: Run, scope: TransactionScope): Promise<Value> {
  const execution = executionOf(run, scope);
  if (run.fn !== null) {
    checkArguments(run.fn, run.args as Value, checkContext(execution));
  }
  const ctx = transactionContext(execution);
  return run.engine.within(execution, () => invoke(execution, ctx, run.handler, run.fn, run.args));
}

/** The execution of a run, nested in that of the action that makes the call, if there is one. */
function executionOf(run: Run, scope: TransactionScope | null): Execution {
  const { engine, program, component, subject, request, parent } = run;
  return parent === null
    ? new Execution({ engine, program, component, subject, request, scope, parent })
    : parent.nest(component, subject, scope);
}
