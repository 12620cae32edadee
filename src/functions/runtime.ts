/**
 * Runs the functions of a loaded program on a database. A call from outside becomes one transaction
 * (query, mutation) or a run outside of any (action); what the function calls in turn is `execution/`.
 * Programs take each other's place whole (`execution/programs.ts`): a query or mutation runs in the
 * program of the commit that it reads, an action ends with the program that it began with.
 */
import {
  convexLimits,
  noLimits,
  type Database,
  type DatabaseReader,
  type MutationTransaction,
  type QueryTransaction,
  type TransactionLimits,
} from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import type { FileStore } from "../files/index.js";
import { catchUp, type MaybePromise, type Version } from "../storage/storage.js";
import { copyArguments } from "./boundary/check-call.js";
import { convexValueLimits, unlimitedValues } from "./boundary/copy-value.js";
import type {
  FunctionCall,
  EndedCall,
  FunctionFailure,
  FunctionOutcome,
  FunctionSuccess,
  HttpOutcome,
  JobQueue,
  JobRun,
} from "./call.js";
import { callTarget, prepareCall } from "./execution/call-target.js";
import { captureConsole, printToConsole } from "./execution/console-capture.js";
import { installConvexGlobal } from "./execution/convex-global.js";
import { Request as CallRequest, type Engine } from "./execution/execution.js";
import { followHooks, joinHooks, standbyHooks, type HooksOfTables } from "./execution/follow-aggregates.js";
import { giveWay } from "./execution/give-way.js";
import { Freshness } from "./execution/freshness.js";
import { Deadlines, defaultTimeLimits, type TimeLimits } from "./execution/deadlines.js";
import { runHttpAction } from "./execution/http-action.js";
import { logEntry, logFailure, type LogSink } from "./execution/log-buffer.js";
import { ProgramReplaced, Programs, type NamedProgram } from "./execution/programs.js";
import { triggerHooks } from "./execution/run-triggers.js";
import { runAction, runMutation, runQuery } from "./execution/run.js";
import { StalledCalls, type StalledCall } from "./execution/stalled-calls.js";
import { describeThrown, errorDataOf, errorMessageOf, shareConvexErrors } from "./execution/thrown.js";
import { mutateInside, queryInside } from "./execution/work-inside.js";
import type { ComponentProgram } from "./program/component-program.js";
import { loadProgram, type LoadedProgram, type LoadOptions } from "./program/loaded-program.js";
import type { FunctionSpec } from "./program/registered-function.js";

export interface RuntimeOptions {
  /**
   * Convex's limits on transactions and values (default), others on transactions, or none; `reported`: none,
   * while `ctx.meta` counts down from Convex's.
   */
  readonly limits?: "convex" | "none" | "reported" | Partial<TransactionLimits>;
  /** How long calls may take by the clock; left out, ten seconds, and ten minutes for actions; null for any time. */
  readonly timeLimits?: TimeLimits | null;
  /** Calls that are refused, because a process had to be ended for them. */
  readonly stalledCalls?: readonly StalledCall[];
  readonly jobs: JobQueue;
  /** What `ctx.meta.getDeploymentMetadata` says. */
  readonly deploymentName?: string;
  /** Where console output goes: the console as it was (default), nowhere, or a function. */
  readonly log?: "console" | "silent" | LogSink;
  /** Whether what calls throw is logged, too, under their request ids (default false): where callers are not told. */
  readonly logsFailures?: boolean;
  /** Takes a line for each function that runs: what it read and wrote, its time and its commit. */
  readonly trace?: (line: string) => void;
  /** Where the bytes of stored files are. Left out, file storage is not supported. */
  readonly files?: FileStore;
  /** Supports text and vector search by scanning whole tables, which is for tests (default false). */
  readonly searchesByScan?: boolean;
}

const maxNestedCalls = 8;
const maxNestedCallsUnlimited = 64;

export class Runtime {
  readonly #engine: Engine;
  /** The programs that commits name, as far as they are loaded here. */
  readonly programs: Programs;
  readonly #logsFailures: boolean;
  readonly #stalled: StalledCalls;
  readonly #watchers = new Set<(call: EndedCall) => void>();

  constructor(database: Database, options: RuntimeOptions) {
    const log = options.log ?? "console";
    this.#logsFailures = options.logsFailures ?? false;
    this.#stalled = new StalledCalls(options.stalledCalls ?? []);
    const { timeLimits = defaultTimeLimits } = options;
    const deadlines = new Deadlines(timeLimits);
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
      within: (execution, work) => deadlines.within(execution, work),
      deploymentName: options.deploymentName ?? "trueup",
      trace: options.trace ?? null,
      log: log === "console" ? printToConsole : log === "silent" ? (): void => {} : log,
    };
    captureConsole();
    installConvexGlobal();
    this.programs = new Programs({
      own: (program) => this.#hooksOf(program),
      standby: (program, follower) => standbyHooks(this.#engine, program, follower),
    });
    database.setHooks(this.programs.hooksOf);
  }

  /** Imports a program's modules. What runs stays as it is. @throws MODULE_FAILED */
  async load(program: ComponentProgram, options?: LoadOptions): Promise<LoadedProgram> {
    if (program.definitionPath !== undefined) {
      shareConvexErrors();
    }
    return await loadProgram(program, options);
  }

  /**
   * Runs the engine's own work in a transaction, with the ctx that a mutation of a component of the program has. It reads
   * the component's data by `reader`, where one is given.
   */
  async mutateInside<T>(
    tx: MutationTransaction,
    program: LoadedProgram,
    componentPath: string,
    run: (ctx: object) => Promise<T>,
    reader?: DatabaseReader,
  ): Promise<T> {
    const options = { engine: this.#engine, program, componentPath, path: "maintenance", reader };
    return await mutateInside(tx, options, run);
  }

  /** The same with the ctx of a query. */
  async queryInside<T>(
    tx: QueryTransaction,
    program: LoadedProgram,
    componentPath: string,
    run: (ctx: object) => Promise<T>,
  ): Promise<T> {
    return await queryInside(tx, { engine: this.#engine, program, componentPath, path: "maintenance" }, run);
  }

  #hooksOf(program: LoadedProgram): HooksOfTables {
    const host = { engine: this.#engine, program, newRequest: () => new CallRequest({}, null) };
    const triggers = new Map(
      [...program.components].map(([path, component]) => [path, triggerHooks(host, component)]),
    );
    // Aggregates first: a trigger that asks one is told of its own write.
    return joinHooks([followHooks(this.#engine, program, program.aggregates().values()), triggers]);
  }

  /** The program that calls run. @throws MODULES_MISSING before the first was put in place; PROGRAM_NOT_LOADED */
  get program(): LoadedProgram {
    return this.#current().program;
  }

  /**
   * The program that a call begins with now: another process may have put it in place, and this one not have taken it up yet.
   * @throws MODULES_MISSING, PROGRAM_NOT_LOADED
   */
  newest(): MaybePromise<NamedProgram> {
    const { database } = this.#engine;
    if (!database.storage.capabilities.shared) return this.#current();
    const named = database.query((tx) => Promise.resolve(this.programs.named(tx.program)), { limits: null });
    return named.then(({ value }) => value);
  }

  /** The same as was taken up last; null before the first was put in place. */
  get active(): LoadedProgram | null {
    return this.programs.current?.program ?? null;
  }

  functions(): FunctionSpec[] {
    return this.program.functions();
  }

  /**
   * Runs a call; what the function throws is in the outcome, this never rejects. A query or mutation runs in the program of
   * the commit that it reads: when another one than the newest is found there, the call begins again with that. The outcome
   * of a call from outside goes by all that was acknowledged before it came (`execution/freshness.ts`).
   */
  async run(call: FunctionCall, job: JobRun | null = null): Promise<FunctionOutcome> {
    const turn = giveWay(call.kind);
    if (turn !== undefined) await turn;
    const beganAtMs = performance.now();
    let replacedBy: ProgramReplaced | null = null;
    const { storage } = this.#engine.database;
    const freshness = new Freshness(storage, call.snapshot !== undefined || job !== null);
    for (;;) {
      const request = new CallRequest(call, job);
      const attempt: Attempt = { snapshot: null, subject: null, seen: storage.version };
      try {
        const catching = call.kind === "mutation" ? undefined : freshness.catchUp();
        if (catching !== undefined) await catching;
        const finding = replacedBy === null ? this.newest() : this.programs.named(replacedBy.by);
        const named = finding instanceof Promise ? await finding : finding;
        const outcome = await this.#dispatch(named, call, request, job, attempt);
        const { version = 0 } = outcome;
        const isUnsure = call.kind === "mutation" && version <= attempt.seen;
        if (isUnsure && (await freshness.mayHaveMissed(attempt.seen))) continue;
        this.#tell(call, request, attempt.subject, beganAtMs);
        return outcome;
      } catch (error) {
        if (error instanceof ProgramReplaced) {
          replacedBy = error;
          continue;
        }
        if (await freshness.mayHaveMissedIn(error, attempt.seen)) continue;
        this.#tell(call, request, attempt.subject, beganAtMs, error);
        const failed = failure(error, request, attempt.snapshot);
        // Whoever runs a job tells of its failure, in whatever attempt that is.
        if (job === null) this.#log(failed, call);
        return failed;
      }
    }
  }

  /** Calls the listener after each call from outside, also those of jobs; returns how to stop. */
  onCallEnded(listener: (call: EndedCall) => void): () => void {
    this.#watchers.add(listener);
    return () => {
      this.#watchers.delete(listener);
    };
  }

  #tell(
    call: Partial<FunctionCall>,
    request: CallRequest,
    subject: Pick<EndedCall, "kind" | "path"> | null,
    beganAtMs: number,
    ...thrown: readonly unknown[]
  ): void {
    if (this.#watchers.size === 0) return;
    const named = "path" in call && typeof call.path === "string" ? call.path : "";
    const ended: EndedCall = {
      kind: subject?.kind ?? call.kind ?? "query",
      path: subject?.path ?? named,
      componentPath: call.componentPath ?? "",
      requestId: request.id,
      logLines: request.log.lines,
      endedAtMs: Date.now(),
      tookMs: performance.now() - beganAtMs,
      errorMessage: thrown.length === 0 ? null : describeThrown(thrown[0]),
    };
    for (const listener of this.#watchers) listener(ended);
  }

  /**
   * Answers an HTTP request by the router of `http.ts`, with null when it has no route for it. What the action throws is in the
   * outcome. @throws MODULES_MISSING, COMPONENT_MISSING, STORAGE_UNAVAILABLE
   */
  async fetch(request: Request, call: Omit<Partial<FunctionCall>, "args"> = {}): Promise<HttpOutcome> {
    const catching = catchUp(this.#engine.database.storage);
    if (catching !== undefined) await catching;
    const { program } = await this.newest();
    const component = program.component(call.componentPath ?? "");
    const callRequest = new CallRequest(call, null);
    const subject = {
      kind: "httpAction",
      path: `${request.method} ${new URL(request.url).pathname}`,
    } as const;
    const beganAtMs = performance.now();
    try {
      const response = await runHttpAction(this.#engine, program, component, callRequest, request);
      if (response !== null) this.#tell(call, callRequest, subject, beganAtMs);
      return { status: "success", response };
    } catch (error) {
      this.#tell(call, callRequest, subject, beganAtMs, error);
      const failed = failure(error, callRequest, null);
      this.#log(failed, { ...call, path: subject.path });
      return failed;
    }
  }

  #log({ errorMessage, requestId }: FunctionFailure, call: Partial<FunctionCall>): void {
    if (!this.#logsFailures) return;
    const functionPath = "path" in call ? (call.path ?? "") : "";
    const source = { functionPath, componentPath: call.componentPath ?? "", requestId };
    logFailure(this.#engine.log, source, errorMessage);
  }

  /**
   * Logs a failure that no caller hears of.
   * @param requestId Of the call that failed; left out where none did.
   */
  report(componentPath: string, functionPath: string, error: unknown, requestId = ""): void {
    const message = requestId === "" ? describeThrown(error) : errorMessageOf(error, requestId);
    logFailure(this.#engine.log, { functionPath, componentPath, requestId }, message);
  }

  /** Logs what the engine itself does. */
  say(source: string, message: string): void {
    const entry = { functionPath: source, componentPath: "", requestId: "", level: "INFO" as const };
    logEntry(this.#engine.log, { ...entry, message, args: [message] });
  }

  #current(): NamedProgram {
    const { current, refusal } = this.programs;
    if (refusal !== null) throw refusal;
    if (current === null) throw new TrueupError("MODULES_MISSING");
    return current;
  }

  async #dispatch(
    { name, program }: NamedProgram,
    call: FunctionCall,
    request: CallRequest,
    job: JobRun | null,
    attempt: Attempt,
  ): Promise<FunctionSuccess> {
    const engine = this.#engine;
    const importing = prepareCall(program, call);
    if (importing !== null) {
      await importing;
    }
    const target = callTarget(program, call);
    attempt.subject = target.subject;
    const args = copyArguments(call.args, engine.valueLimits);
    this.#stalled.assertNone(program, target.component.path, target.subject.path, args);
    const run = { engine, program, ...target, args, request, parent: null };
    switch (target.subject.kind) {
      case "query": {
        const onBegin = (tx: QueryTransaction): void => {
          assertProgram(tx, name);
          attempt.snapshot = tx;
        };
        const done = await runQuery(run, onBegin, call.snapshot);
        const { endCursor } = request.journal;
        const journal = endCursor === null ? {} : { journal: endCursor };
        return { status: "success", ...done, ...journal, logLines: request.log.lines };
      }
      case "mutation": {
        const onBegin = (tx: QueryTransaction): void => {
          assertProgram(tx, name);
          attempt.seen = tx.version;
        };
        const done = await runMutation(run, { job, once: call.once ?? null }, onBegin);
        return { status: "success", ...done, logLines: request.log.lines };
      }
      case "action":
        return { status: "success", value: await runAction(run), logLines: request.log.lines };
    }
  }
}

/** @throws ProgramReplaced when the transaction reads that another program runs */
function assertProgram({ program }: QueryTransaction, name: string): void {
  if (program !== name) throw new ProgramReplaced(program);
}

/** What is known of a run when it fails. */
interface Attempt {
  /** The snapshot that a query runs in. */
  snapshot: QueryTransaction | null;
  /** What was found to run. */
  subject: Pick<EndedCall, "kind" | "path"> | null;
  /** The commit that a mutation saw. */
  seen: Version;
}

function failure(error: unknown, request: CallRequest, snapshot: QueryTransaction | null): FunctionFailure {
  const errorData = errorDataOf(error);
  return {
    status: "error",
    error,
    errorMessage: errorMessageOf(error, request.id),
    ...(errorData === undefined ? {} : { errorData }),
    ...(snapshot === null ? {} : { version: snapshot.version, readSet: snapshot.readSet }),
    requestId: request.id,
    logLines: request.log.lines,
  };
}
