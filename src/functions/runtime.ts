/**
 * Runs the functions of a loaded program on a database. A call from outside becomes one transaction
 * (query, mutation) or a run outside of any (action); what the function calls in turn is `execution/`.
 * Programs are swapped whole: calls under way end with the program they began with.
 */
import {
  convexLimits,
  noLimits,
  type ChangeHook,
  type Database,
  type QueryTransaction,
  type TransactionLimits,
} from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import { copyArguments } from "./boundary/check-call.js";
import { convexValueLimits, unlimitedValues } from "./boundary/copy-value.js";
import type { FunctionCall, FunctionOutcome, FunctionSuccess, JobRun } from "./call.js";
import { callTarget, prepareCall } from "./execution/call-target.js";
import { captureConsole, printToConsole } from "./execution/console-capture.js";
import { installConvexGlobal } from "./execution/convex-global.js";
import type { Engine, Request as CallRequest } from "./execution/execution.js";
import { giveWay } from "./execution/give-way.js";
import type { FileStore } from "./execution/file-store.js";
import { runHttpAction } from "./execution/http-action.js";
import type { JobQueue } from "./execution/job-queue.js";
import { logFailure, type LogSink } from "./execution/log-buffer.js";
import { newRequest } from "./execution/request.js";
import { triggerHooks } from "./execution/run-triggers.js";
import { runAction, runMutation, runQuery, type OnSnapshot } from "./execution/run.js";
import { shareConvexErrors } from "./execution/shared-convex-error.js";
import { describeThrown, errorDataOf, errorMessageOf } from "./execution/thrown.js";
import type { ComponentProgram } from "./program/component-program.js";
import { loadProgram, type LoadedProgram, type LoadOptions } from "./program/loaded-program.js";
import type { FunctionSpec } from "./program/registered-function.js";

export interface RuntimeOptions {
  /**
   * Convex's limits on transactions and values (default), others on transactions, or none; `reported`: none,
   * while `ctx.meta` counts down from Convex's.
   */
  readonly limits?: "convex" | "none" | "reported" | Partial<TransactionLimits>;
  readonly jobs: JobQueue;
  /** What `ctx.meta.getDeploymentMetadata` says. */
  readonly deploymentName?: string;
  /** Where console output goes: the console as it was (default), nowhere, or a function. */
  readonly log?: "console" | "silent" | LogSink;
  /** Where the bytes of stored files are. Left out, file storage is not supported. */
  readonly files?: FileStore;
  /** Supports text and vector search by scanning whole tables, which is for tests (default false). */
  readonly searchesByScan?: boolean;
}

const maxNestedCalls = 8;
const maxNestedCallsUnlimited = 64;

export class Runtime {
  readonly #engine: Engine;
  #program: LoadedProgram | null = null;
  #hooks = new Map<string, ReadonlyMap<string, readonly ChangeHook[]>>();

  constructor(database: Database, options: RuntimeOptions) {
    const log = options.log ?? "console";
    const limits = options.limits ?? "convex";
    const limited = limits !== "none" && limits !== "reported";
    this.#engine = {
      database,
      transactions: limited ? (limits === "convex" ? {} : { limits }) : { limits: null },
      reportedLimits: limits === "none" ? noLimits : convexLimits,
      files: options.files ?? null,
      searchesByScan: options.searchesByScan ?? false,
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
    if (program.definitionPath !== undefined) {
      shareConvexErrors();
    }
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
    let snapshot: QueryTransaction | null = null;
    const turn = giveWay();
    if (turn !== undefined) await turn;
    try {
      return await this.#dispatch(call, request, job, (tx) => {
        snapshot = tx;
      });
    } catch (error) {
      return failure(error, request, snapshot);
    }
  }

  /**
   * Answers an HTTP request by the router of `http.ts`; null when it has no route for it. Rejects with what
   * the action throws. @throws MODULES_MISSING, COMPONENT_MISSING
   */
  async fetch(request: Request, call: Omit<Partial<FunctionCall>, "args"> = {}): Promise<Response | null> {
    const { program } = this;
    const component = program.component(call.componentPath ?? "");
    return await runHttpAction(this.#engine, program, component, newRequest(call, null), request);
  }

  /** Logs a failure that no caller hears of. */
  report(componentPath: string, functionPath: string, error: unknown): void {
    logFailure(this.#engine.log, { functionPath, componentPath, requestId: "" }, describeThrown(error));
  }

  async #dispatch(
    call: FunctionCall,
    request: CallRequest,
    job: JobRun | null,
    onSnapshot: OnSnapshot,
  ): Promise<FunctionSuccess> {
    const engine = this.#engine;
    const { program } = this;
    const importing = prepareCall(program, call);
    if (importing !== null) {
      await importing;
    }
    const target = callTarget(program, call);
    const args = copyArguments(call.args, engine.valueLimits);
    const run = { engine, program, ...target, args, request, parent: null };
    switch (target.subject.kind) {
      case "query": {
        const done = await runQuery(run, onSnapshot);
        const { endCursor } = request.journal;
        const journal = endCursor === null ? {} : { journal: endCursor };
        return { status: "success", ...done, ...journal, logLines: request.log.lines };
      }
      case "mutation":
        return { status: "success", ...(await runMutation(run, job)), logLines: request.log.lines };
      case "action":
        return { status: "success", value: await runAction(run), logLines: request.log.lines };
    }
  }
}

const noHooks: readonly ChangeHook[] = [];

function failure(error: unknown, request: CallRequest, snapshot: QueryTransaction | null): FunctionOutcome {
  const errorData = errorDataOf(error);
  return {
    status: "error",
    error,
    errorMessage: errorMessageOf(error, request.id),
    ...(errorData === undefined ? {} : { errorData }),
    ...(snapshot === null ? {} : { version: snapshot.version, readSet: snapshot.readSet }),
    logLines: request.log.lines,
  };
}
