/**
 * One run of one function: what runs, on whose behalf, and in which transaction. Nested calls, triggers and
 * the calls of actions form a chain of executions by `parent`. Code that has no `ctx` at hand (the console, the
 * `Convex` global, triggers) finds the current execution through AsyncLocalStorage.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import type { UserIdentity } from "convex/server";
import type {
  Database,
  DatabaseReader,
  MutationTransaction,
  QueryTransaction,
  TransactionLimits,
  TransactionOptions,
} from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { FileStore } from "../../files/index.js";
import type { ValueLimits } from "../boundary/copy-value.js";
import type { FunctionCall, JobQueue, JobRun } from "../call.js";
import { findEnvironmentBy } from "../program/environment.js";
import type { LoadedComponent } from "../program/loaded-component.js";
import type { LoadedProgram } from "../program/loaded-program.js";
import type { FunctionKind, FunctionVisibility } from "../program/registered-function.js";
import { LogBuffer, type LogSink } from "./log-buffer.js";
import { Turn, type TurnOwner } from "./turn.js";

/** What a call from outside brings along. It is made once, and everything that the call runs shares it. */
export class Request {
  readonly identity: UserIdentity | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly authToken: string | null;
  /** What the call was made with. */
  readonly args: unknown;
  /** The job that this call runs, if a scheduler runs it. */
  readonly scheduledFunctionId: string | null;
  /** The component whose table of jobs holds that job. */
  readonly scheduledIn: string;
  /** The id of the call that set off this one through the scheduler, if someone follows it. */
  readonly origin: string | null;
  readonly log: LogBuffer = new LogBuffer();
  /** Tells where the page of the outermost query ends: at first as the call says, then as the query has read it. */
  readonly journal: Journal;
  #id: string | undefined;

  /** `job` is the run of a job when the scheduler makes the call. */
  constructor(call: Partial<FunctionCall>, job: JobRun | null) {
    this.#id = call.requestId;
    this.identity = call.identity ?? null;
    this.ip = call.ip ?? null;
    this.userAgent = call.userAgent ?? null;
    this.authToken = call.authToken ?? null;
    this.args = call.args;
    this.scheduledFunctionId = job?.id ?? null;
    this.scheduledIn = job?.componentPath ?? "";
    this.origin = job?.origin ?? call.requestId ?? null;
    this.journal = { endCursor: call.journal ?? null };
  }

  /** Made when something is logged, or asks for it. */
  get id(): string {
    this.#id ??= newRequestId();
    return this.#id;
  }
}

/** 16 hex digits, as Convex's are. */
function newRequestId(): string {
  const uuid = randomUUID();
  return uuid.slice(19, 23) + uuid.slice(24);
}

/** The end of a page, kept between runs of one query. */
export interface Journal {
  endCursor: string | null;
}

/** The transaction that an execution runs in, shared by the executions nested in it. */
export class TransactionScope {
  readonly tx: QueryTransaction;
  /** The same transaction where it may write. */
  readonly mutation: MutationTransaction | null;
  /** Whether a function has used `db.vars.commitTs`: results may then hold its placeholder. */
  usesCommitTs = false;
  /** What the components that were asked by queries, and by mutations, share (`ask.ts`). */
  readonly asked: AskedContext[] = [];

  constructor(tx: QueryTransaction, mutation: MutationTransaction | null) {
    this.tx = tx;
    this.mutation = mutation;
  }
}

/** What the questions to a component share until somebody else writes to it in the transaction. */
export interface AskedContext {
  readonly ctx: object;
  readonly execution: Execution;
  /** The changes of the component that it has in view. */
  changes: number;
}

/** What executions need of the runtime around them. */
export interface Engine {
  readonly database: Database;
  /** How transactions of functions are opened. */
  readonly transactions: TransactionOptions;
  readonly valueLimits: ValueLimits;
  readonly maxDepth: number;
  readonly jobs: JobQueue;
  readonly deploymentName: string;
  readonly log: LogSink;
  /** Takes a line for each function that runs; null for none. */
  readonly trace: ((line: string) => void) | null;
  /** The limits that `ctx.meta` counts down from where none is in force. */
  readonly reportedLimits: TransactionLimits;
  /** Resolves as the work of an execution does, unless that takes too long or is aborted otherwise. */
  readonly within: <T>(execution: Execution, work: () => Promise<T>) => Promise<T>;
  /** Keeps the bytes of stored files; null where file storage is not supported. */
  readonly files: FileStore | null;
  /** Whether text and vector search are supported, by scanning whole tables. */
  readonly searchesByScan: boolean;
}

/** What runs: a registered function, or a handler given inline. */
export interface Subject {
  readonly kind: FunctionKind;
  readonly path: string;
  readonly visibility: FunctionVisibility;
}

interface ExecutionFields {
  readonly engine: Engine;
  readonly program: LoadedProgram;
  readonly component: LoadedComponent;
  readonly subject: Subject;
  readonly request: Request;
  readonly scope: TransactionScope | null;
  readonly parent: Execution | null;
  readonly isStale?: boolean;
  /** Reads the component's data, where it is to be read otherwise than the transaction sees it. */
  readonly reader?: DatabaseReader | undefined;
  /** How many calls this one is nested in; that of the parent when it is left out. */
  readonly depth?: number;
  /** Shared by executions that write in one order. */
  readonly turn?: Turn;
}

/** The execution that the running code belongs to. */
export const currentExecution: AsyncLocalStorage<Execution> = new AsyncLocalStorage();

findEnvironmentBy(() => currentExecution.getStore()?.component.program.env);

export class Execution implements TurnOwner {
  readonly engine: Engine;
  readonly program: LoadedProgram;
  readonly component: LoadedComponent;
  readonly subject: Subject;
  readonly request: Request;
  readonly scope: TransactionScope | null;
  readonly parent: Execution | null;
  /** Reads as of the beginning of the transaction, without its writes. */
  readonly isStale: boolean;
  readonly depth: number;
  readonly turn: Turn;
  /** Whether writes of this execution set off no triggers. */
  isWithoutTriggers = false;
  triggerDepth: number;
  /** Whether the function has run a paginated query; it may run only one. */
  hasPaginated = false;
  #failure: Error | null = null;
  #unfinished: Set<Promise<unknown>> | null = null;
  #over = false;
  #aborted: Error | null = null;
  #rejectWork: ((error: Error) => void) | null = null;
  readonly #isReaderGiven: boolean;
  #reader: DatabaseReader | null;

  constructor(fields: ExecutionFields) {
    this.engine = fields.engine;
    this.program = fields.program;
    this.component = fields.component;
    this.subject = fields.subject;
    this.request = fields.request;
    this.scope = fields.scope;
    this.parent = fields.parent;
    this.isStale = fields.isStale ?? false;
    this.#reader = fields.reader ?? null;
    this.#isReaderGiven = this.#reader !== null;
    this.depth = fields.depth ?? fields.parent?.depth ?? 0;
    this.triggerDepth = fields.parent?.triggerDepth ?? 0;
    this.turn = fields.turn ?? new Turn(this);
  }

  /**
   * The same component as it was when the transaction began, without what the transaction has read or written; null where this
   * execution reads through something else than the database.
   */
  get before(): Execution | null {
    if (this.#isReaderGiven) return null;
    return this.nest(this.component, this.subject, this.scope, true);
  }

  /** An execution nested in this one, in the same transaction or in the one given. @throws NESTED_TOO_DEEP */
  nest(
    component: LoadedComponent,
    subject: Subject,
    scope: TransactionScope | null = this.scope,
    isStale: boolean = this.isStale,
  ): Execution {
    const { engine, program, request } = this;
    if (this.depth >= engine.maxDepth) {
      throw new TrueupError(
        "NESTED_TOO_DEEP",
        `Functions call each other more than ${engine.maxDepth} levels deep, at '${subject.path}'.`,
        { path: subject.path, maxDepth: engine.maxDepth },
      );
    }
    const depth = this.depth + 1;
    return new Execution({
      engine,
      program,
      component,
      subject,
      request,
      scope,
      isStale,
      depth,
      parent: this,
    });
  }

  /** @throws INVALID_CALL in an action, FUNCTION_OVER once the function has returned. */
  get transaction(): TransactionScope {
    this.assertRunning();
    if (this.scope === null) {
      throw new TrueupError("INVALID_CALL", "An action has no database: use runQuery and runMutation.");
    }
    return this.scope;
  }

  /** The data of this execution's component, as it may see it. */
  get reader(): DatabaseReader {
    if (this.#reader === null) {
      const { tx, mutation } = this.transaction;
      const path = this.component.path;
      this.#reader = this.isStale && mutation !== null ? mutation.staleReader(path) : tx.component(path);
    }
    return this.#reader;
  }

  /** The transaction to write in. @throws INVALID_CALL outside of a mutation. */
  get mutation(): MutationTransaction {
    const mutation = this.scope?.mutation ?? null;
    if (mutation === null || this.subject.kind !== "mutation") {
      throw new TrueupError("INVALID_CALL", "Only a mutation may write to the database.");
    }
    return mutation;
  }

  /** Runs an operation in the transaction of a mutation, in its turn; from an action, in a transaction of its own. */
  async write<T>(operation: (tx: MutationTransaction) => Promise<T>): Promise<T> {
    if (this.scope === null) return (await this.engine.database.mutate(operation, { limits: null })).value;
    this.assertRunning();
    const entered = await this.turn.enter();
    try {
      return await operation(this.mutation);
    } finally {
      if (entered) this.turn.leave();
    }
  }

  /** @throws FUNCTION_OVER once the function has returned, what it was aborted with once it was. */
  assertRunning(): void {
    if (this.#aborted !== null) throw this.#aborted;
    if (this.#over) {
      throw new TrueupError(
        "FUNCTION_OVER",
        `'${this.subject.path}' used its ctx after it had returned: await every promise that ctx returns.`,
        { path: this.subject.path },
      );
    }
  }

  /** What the work resolves with, or the error of an abort that comes first. The work is not waited for then. */
  untilAborted<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#rejectWork = reject;
      work().then(resolve, reject);
    });
  }

  /** Ends the call at once: its ctx is over, and whoever waits for it gets the error. */
  abort(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#aborted = error;
    this.#rejectWork?.(error);
  }

  /** Whether the function has returned, or was aborted. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Ends the call from outside that this execution belongs to. */
  abortCall(error: Error): void {
    if (this.parent === null) this.abort(error);
    else this.parent.abortCall(error);
  }

  /** Makes the function fail with the first of such errors, even if its own code catches the error. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  /** Keeps the function's ctx open until this has settled, also when the function does not wait for it. */
  holdFor(work: Promise<unknown>): void {
    const unfinished = (this.#unfinished ??= new Set());
    const settled = (): boolean => unfinished.delete(work);
    unfinished.add(work);
    work.then(settled, settled);
  }

  /** Throws the error that `fail` was called with, if there is one. */
  assertSound(): void {
    if (this.#failure !== null) {
      throw this.#failure;
    }
  }

  /** Closes the ctx. Returns a promise when the function has started something that it did not await and that must end first. */
  end(): Promise<void> | null {
    const unfinished = this.#unfinished;
    const waiting = this.turn.free() ?? (unfinished?.size ? Promise.allSettled(unfinished) : null);
    if (waiting === null) {
      this.#over = true;
      return null;
    }
    return waiting.then(() => this.end() ?? undefined);
  }

  /** Whether the running code was called by this execution, however deeply. */
  isInside(): boolean {
    const current = currentExecution.getStore();
    for (let at = current?.parent ?? null; at !== null; at = at.parent) {
      if (at === this) {
        return true;
      }
    }
    return false;
  }
}
