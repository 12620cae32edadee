/**
 * Runs the functions of a loaded program on a database. A call from outside becomes one transaction
 * (query, mutation) or a run outside of any (action); what the function calls in turn is `execution/`.
 * Programs are swapped whole: calls under way end with the program they began with.
 */
import { randomUUID } from "node:crypto";
import type { Value } from "convex/values";
import type { ChangeHook, Database } from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import { convexValueLimits, unlimitedValues } from "./boundary/copy-value.js";
import { checkArguments, copyArguments } from "./boundary/check-call.js";
import { resolveCommitTs } from "./boundary/resolve-commit-ts.js";
import type { FunctionCall, FunctionOutcome, FunctionSuccess, JobRun } from "./call.js";
import { actionContext, transactionContext } from "./context/contexts.js";
import { captureConsole, printToConsole } from "./execution/console-capture.js";
import { installConvexGlobal } from "./execution/convex-global.js";
import { Execution, type Engine, type Request, type TransactionScope } from "./execution/execution.js";
import { assertKind, checkContext, invoke, referenceText } from "./execution/invoke.js";
import type { JobQueue } from "./execution/job-queue.js";
import { LogBuffer, logLine, type LogSink } from "./execution/log-buffer.js";
import { triggerHooks } from "./execution/run-triggers.js";
import { describeThrown, errorDataOf, errorMessageOf } from "./execution/thrown.js";
import type { ComponentProgram } from "./program/component-program.js";
import { functionNotFound, type LoadedComponent } from "./program/loaded-component.js";
import { loadProgram, type LoadedProgram, type LoadOptions } from "./program/loaded-program.js";
import type { FunctionKind, FunctionSpec, Handler, LoadedFunction } from "./program/registered-function.js";

export interface RuntimeOptions {
  /** Convex's limits on transactions and values (default), or none. */
  readonly limits?: "convex" | "none";
  readonly jobs: JobQueue;
  /** What `ctx.meta.getDeploymentMetadata` says. */
  readonly deploymentName?: string;
  /** Where console output goes: the console as it was (default), nowhere, or a function. */
  readonly log?: "console" | "silent" | LogSink;
}

const maxNestedCalls = 8;
const maxNestedCallsUnlimited = 64;

export class Runtime {
  readonly #engine: Engine;
  #program: LoadedProgram | null = null;
  #hooks = new Map<string, ReadonlyMap<string, readonly ChangeHook[]>>();

  constructor(database: Database, options: RuntimeOptions) {
    const log = options.log ?? "console";
    const limited = options.limits !== "none";
    this.#engine = {
      database,
      transactions: limited ? {} : { limits: null },
      valueLimits: limited ? convexValueLimits : unlimitedValues,
      maxDepth: limited ? maxNestedCalls : maxNestedCallsUnlimited,
      jobs: options.jobs,
      deploymentName: options.deploymentName ?? "trueup",
      log: log === "console" ? printToConsole : log === "silent" ? (): void => {} : log,
    };
    captureConsole();
    installConvexGlobal();
    database.setHooks(
      (componentPath, tableName) => this.#hooks.get(componentPath)?.get(tableName) ?? noHooks,
    );
  }

  /** Imports a program's modules. What runs stays as it is until `activate`. @throws MODULE_FAILED */
  async load(program: ComponentProgram, options?: LoadOptions): Promise<LoadedProgram> {
    return await loadProgram(program, options);
  }

  /** From now on calls run this program, and its triggers run on every write. */
  activate(program: LoadedProgram): void {
    const host = { engine: this.#engine, program, newRequest: () => newRequest({}, null) };
    this.#hooks = new Map(
      [...program.components].map(([path, component]) => [path, triggerHooks(host, component)]),
    );
    this.#program = program;
  }

  /** The program that calls run. @throws MODULES_MISSING before the first was activated. */
  get program(): LoadedProgram {
    if (this.#program === null) {
      throw new TrueupError("MODULES_MISSING");
    }
    return this.#program;
  }

  functions(): FunctionSpec[] {
    return this.program.functions();
  }

  /** Runs a call; what the function throws is in the outcome, this never rejects. */
  async run(call: FunctionCall, job: JobRun | null = null): Promise<FunctionOutcome> {
    const request = newRequest(call, job);
    try {
      return await this.#dispatch(call, request, job);
    } catch (error) {
      const errorData = errorDataOf(error);
      return {
        status: "error",
        error,
        errorMessage: errorMessageOf(error, request.id),
        ...(errorData === undefined ? {} : { errorData }),
        logLines: request.log.lines,
      };
    }
  }

  /** Logs a failure that no caller hears of. */
  report(componentPath: string, functionPath: string, error: unknown): void {
    const message = describeThrown(error);
    const entry = {
      level: "ERROR",
      message,
      args: [message],
      functionPath,
      componentPath,
      requestId: "",
    } as const;
    this.#engine.log(logLine(entry), entry);
  }

  async #dispatch(call: FunctionCall, request: Request, job: JobRun | null): Promise<FunctionSuccess> {
    const program = this.program;
    const component = program.component(call.componentPath ?? "");
    const target = targetOf(program, component, call);
    const args = copyArguments(call.args, this.#engine.valueLimits);
    const run = { program, ...target, args, request, parent: null };
    const done =
      target.subject.kind === "query"
        ? await this.#query(run)
        : target.subject.kind === "mutation"
          ? await this.#mutation(run, job)
          : { value: await this.#action(run) };
    return { status: "success", ...done, logLines: request.log.lines };
  }

  async #query(run: Run): Promise<Pick<FunctionSuccess, "value" | "version" | "readSet">> {
    const { database, transactions } = this.#engine;
    return await database.query(
      (tx) => this.#inTransaction(run, { tx, mutation: null, usesCommitTs: false }),
      transactions,
    );
  }

  async #mutation(run: Run, job: JobRun | null): Promise<Pick<FunctionSuccess, "value" | "version">> {
    const { database, transactions } = this.#engine;
    const logged = run.request.log.length;
    let usesCommitTs = false;
    const { value, version } = await database.mutate(async (tx) => {
      run.request.log.truncate(logged);
      const scope = { tx, mutation: tx, usesCommitTs: false };
      if (job !== null && !(await job.before(tx))) {
        return null;
      }
      const result = await this.#inTransaction(run, scope);
      await job?.after(tx);
      usesCommitTs = scope.usesCommitTs;
      return result;
    }, transactions);
    return { value: usesCommitTs ? resolveCommitTs(value, BigInt(version) * 1000n) : value, version };
  }

  #inTransaction(run: Run, scope: TransactionScope): Promise<Value> {
    const execution = this.#execution(run, scope);
    if (run.fn !== null) {
      checkArguments(run.fn, run.args, checkContext(execution));
    }
    return invoke(execution, transactionContext(execution), run.handler, run.fn, run.args);
  }

  async #action(run: Run): Promise<Value> {
    const execution = this.#execution(run, null);
    if (run.fn !== null) {
      checkArguments(run.fn, run.args, checkContext(execution));
    }
    const ctx = actionContext(execution, (from, kind, reference, args) =>
      this.#callFromAction(from, kind, reference, args),
    );
    return await invoke(execution, ctx, run.handler, run.fn, run.args);
  }

  async #callFromAction(
    from: Execution,
    kind: FunctionKind,
    reference: unknown,
    args: unknown,
  ): Promise<Value> {
    const { program, component, request } = from;
    const fn = program.resolve(component, referenceText(reference));
    assertKind(fn, kind);
    const run: Run = {
      program,
      component: fn.component,
      subject: fn,
      handler: fn.handler,
      fn,
      args: copyArguments(args, this.#engine.valueLimits),
      request,
      parent: from,
    };
    if (kind === "action") {
      return await this.#action(run);
    }
    const { value } = kind === "query" ? await this.#query(run) : await this.#mutation(run, null);
    return value;
  }

  #execution(run: Run, scope: TransactionScope | null): Execution {
    if (run.parent !== null) {
      return run.parent.nest(run.component, run.subject, scope);
    }
    const { program, component, subject, request } = run;
    return new Execution({ engine: this.#engine, program, component, subject, request, scope, parent: null });
  }
}

/** A function or handler about to run. */
interface Run {
  readonly program: LoadedProgram;
  readonly component: LoadedComponent;
  readonly subject: Execution["subject"];
  readonly handler: Handler;
  readonly fn: LoadedFunction | null;
  readonly args: Value;
  readonly request: Request;
  readonly parent: Execution | null;
}

const noHooks: readonly ChangeHook[] = [];

function targetOf(
  program: LoadedProgram,
  component: LoadedComponent,
  call: FunctionCall,
): Pick<Run, "component" | "subject" | "handler" | "fn"> {
  if ("handler" in call) {
    const subject = { kind: call.kind, path: "inline", visibility: "public" } as const;
    return { component, subject, handler: call.handler, fn: null };
  }
  const text = "path" in call ? call.path : referenceText(call.reference);
  const fn = callable(program, component, text, call.allowInternal);
  if (call.kind !== undefined) {
    assertKind(fn, call.kind);
  }
  return { component: fn.component, subject: fn, handler: fn.handler, fn };
}

/** @throws FUNCTION_NOT_FOUND, or FUNCTION_NOT_PUBLIC in the same words whether or not it exists. */
function callable(
  program: LoadedProgram,
  component: LoadedComponent,
  text: string,
  allowInternal: boolean,
): LoadedFunction {
  if (allowInternal) {
    return program.resolve(component, text);
  }
  let fn: LoadedFunction | null = null;
  try {
    fn = program.resolve(component, text);
  } catch (error) {
    if (!(error instanceof TrueupError) || error.code !== "FUNCTION_NOT_FOUND") {
      throw error;
    }
  }
  if (fn === null || fn.visibility !== "public") {
    throw functionNotFound(component, text, "public function");
  }
  return fn;
}

function newRequest(call: Partial<FunctionCall>, job: JobRun | null): Request {
  return {
    id: call.requestId ?? randomUUID(),
    identity: call.identity ?? null,
    ip: call.ip ?? null,
    userAgent: call.userAgent ?? null,
    authToken: call.authToken ?? null,
    scheduledFunctionId: job?.id ?? null,
    scheduledIn: job?.componentPath ?? "",
    origin: job?.origin ?? call.requestId ?? null,
    log: new LogBuffer(),
  };
}
