/**
 * A backend in the process: one database, one program on it, one scheduler. `activate` swaps the program
 * as a whole: its schemas are applied and its indexes built before any call runs the new code.
 */
import type {
  FunctionArgs,
  FunctionReference,
  FunctionReturnType,
  OptionalRestArgs,
  UserIdentity,
} from "convex/server";
import type { Database, DatabaseCommit, MutationTransaction } from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import type {
  ComponentProgram,
  FunctionCall,
  FunctionKind,
  FunctionOutcome,
  LoadedProgram,
  Runtime,
} from "../functions/index.js";
import type { Scheduler, Work } from "../scheduler/index.js";

/** A call on behalf of someone. */
export interface CallOptions {
  /** What `ctx.auth.getUserIdentity()` returns in the app's functions. */
  readonly identity?: UserIdentity | null;
}

/** The arguments of a function, then options; arguments may be left out where there are none. */
export type CallArguments<Reference extends FunctionReference<FunctionKind, "public" | "internal">> =
  OptionalRestArgs<Reference> extends [args?: infer Args]
    ? [args?: Args, options?: CallOptions]
    : [args: FunctionArgs<Reference>, options?: CallOptions];

type Reference<Kind extends FunctionKind> = FunctionReference<Kind, "public" | "internal">;

export interface ActivateOptions {
  /** Writes that belong to the activation: they commit with it, or not at all. */
  readonly store?: (tx: MutationTransaction) => Promise<void>;
}

/** How the scheduled work of a backend is watched. */
export interface ScheduledWork {
  /** Resolves when nothing is due and nothing runs. */
  idle(): Promise<void>;
  /** What became of the jobs that the call with this request id set off. */
  work(requestId: string): Promise<Work>;
}

export class Backend {
  readonly database: Database;
  readonly #runtime: Runtime;
  readonly #scheduler: Scheduler;
  readonly #runScheduled: boolean;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;

  /** Use `openBackend`. */
  constructor(database: Database, runtime: Runtime, scheduler: Scheduler, runScheduled: boolean) {
    this.database = database;
    this.#runtime = runtime;
    this.#scheduler = scheduler;
    this.#runScheduled = runScheduled;
  }

  /** Calls a query; throws what it throws. */
  async query<Ref extends Reference<"query">>(
    reference: Ref,
    ...rest: CallArguments<Ref>
  ): Promise<FunctionReturnType<Ref>> {
    return await this.#call("query", reference, rest);
  }

  /** Calls a mutation; resolves when its commit is as durable as the storage makes it. */
  async mutation<Ref extends Reference<"mutation">>(
    reference: Ref,
    ...rest: CallArguments<Ref>
  ): Promise<FunctionReturnType<Ref>> {
    return await this.#call("mutation", reference, rest);
  }

  /** Calls an action; throws what it throws. */
  async action<Ref extends Reference<"action">>(
    reference: Ref,
    ...rest: CallArguments<Ref>
  ): Promise<FunctionReturnType<Ref>> {
    return await this.#call("action", reference, rest);
  }

  /** Runs any call; what it throws is in the outcome. @throws BACKEND_CLOSED */
  async run(call: FunctionCall): Promise<FunctionOutcome> {
    this.#assertOpen();
    const outcome = this.#runtime.run(call);
    this.#running.add(outcome);
    try {
      return await outcome;
    } finally {
      this.#running.delete(outcome);
    }
  }

  get scheduler(): ScheduledWork {
    return this.#scheduler;
  }

  /** The program that calls run. @throws MODULES_MISSING */
  get program(): LoadedProgram {
    return this.#runtime.program;
  }

  /** Calls the listener after each commit that became visible; returns how to stop. */
  onCommit(listener: (commit: DatabaseCommit) => void): () => void {
    return this.database.onCommit(listener);
  }

  /**
   * Puts a program in place: imports it, applies its schemas, builds its indexes, then lets calls run it.
   * @throws MODULE_FAILED, SCHEMA_VIOLATION, INVALID_CRON and others; nothing has changed then
   */
  async activate(program: ComponentProgram, options: ActivateOptions = {}): Promise<LoadedProgram> {
    this.#assertOpen();
    const loaded = await this.#runtime.load(program);
    const { value: takeUp } = await this.database.mutate(
      async (tx) => {
        for (const [path, component] of loaded.components) {
          await tx.applySchema(path, component.program.schema);
        }
        await options.store?.(tx);
        return await this.#scheduler.store(tx, loaded);
      },
      { limits: null },
    );
    await this.database.background.idle();
    this.#runtime.activate(loaded);
    takeUp();
    if (this.#runScheduled) {
      await this.#scheduler.start();
    }
    return loaded;
  }

  /** Waits for calls and jobs under way, makes everything durable and releases the storage. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#scheduler.stop();
    await Promise.allSettled(this.#running);
    await this.database.close();
  }

  async #call<Result>(
    kind: FunctionKind,
    reference: Reference<FunctionKind>,
    [args, options]: readonly [args?: unknown, options?: CallOptions],
  ): Promise<Result> {
    const identity = options?.identity ?? null;
    const outcome = await this.run({ kind, reference, args, identity, allowInternal: true });
    if (outcome.status === "error") {
      throw outcome.error;
    }
    return outcome.value as Result;
  }

  #assertOpen(): void {
    if (this.#closing !== null) {
      throw new TrueupError("BACKEND_CLOSED");
    }
  }
}
