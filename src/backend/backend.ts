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
import type { Database, DatabaseCommit, TransformStatus } from "../database/index.js";
import { Deployer, type MigrationDriver, type PendingSchemaStatus } from "../deploy/index.js";
import { TrueupError } from "../errors/index.js";
import type {
  ComponentProgram,
  FunctionCall,
  FunctionKind,
  FunctionOutcome,
  LoadedProgram,
  LoadOptions,
  Runtime,
} from "../functions/index.js";
import { Aggregates, type AggregateDriver } from "../integrity/index.js";
import type { Scheduler, Work } from "../scheduler/index.js";

import { checkStored, type CheckOptions, type CheckReport } from "./check.js";

/** A call on behalf of someone. */
export interface CallOptions {
  /** What `ctx.auth.getUserIdentity()` returns in the app's functions. */
  readonly identity?: UserIdentity | null;
}

type Reference<Kind extends FunctionKind> = FunctionReference<Kind, "public" | "internal">;

/** The arguments of a function, then options; arguments may be left out where there are none. */
export type CallArguments<Ref extends Reference<FunctionKind>> =
  OptionalRestArgs<Ref> extends [args?: infer Args]
    ? [args?: Args, options?: CallOptions]
    : [args: FunctionArgs<Ref>, options?: CallOptions];

/** How the scheduled work of a backend is watched. */
export interface ScheduledWork {
  /** Resolves when nothing is due and nothing runs. */
  idle(): Promise<void>;
  /** What became of the jobs that the call with this request id set off. */
  work(requestId: string): Promise<Work>;
}

/** Documents that are not in their schema's shape yet, and what brings them there. */
export interface SchemaChanges {
  /** Transforms that documents still need, with how far they are written through. */
  readonly transforms: readonly TransformStatus[];
  /** Schemas that migrations are still to bring every document into. */
  readonly pending: readonly PendingSchemaStatus[];
}

/** What a backend is made of, by `openBackend`. */
export interface BackendParts {
  readonly database: Database;
  readonly runtime: Runtime;
  readonly scheduler: Scheduler;
  readonly driver: AggregateDriver;
  readonly migrations: MigrationDriver;
  readonly runScheduled: boolean;
  /** Environment variables of the app, before those that a program brings. */
  readonly env: Readonly<Record<string, string>>;
  /** Where pushed code is written as files; left out, a temporary folder. */
  readonly codeFolder?: string;
}

export class Backend {
  readonly database: Database;
  /** Takes the code that the official CLI pushes. */
  readonly deploy: Deployer;
  /** The managed aggregates that the app exports. */
  readonly aggregates: Aggregates;
  readonly #parts: BackendParts;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;

  /** Use `openBackend`. */
  constructor(parts: BackendParts) {
    const { database, runtime, scheduler, driver, migrations, runScheduled, env, codeFolder } = parts;
    this.database = database;
    this.aggregates = new Aggregates(driver);
    this.#parts = parts;
    this.deploy = new Deployer({
      database,
      runtime,
      env,
      keepers: [runtime, scheduler, driver, migrations],
      start: async () => {
        if (!runScheduled) return;
        await scheduler.start();
        driver.start();
        migrations.start();
      },
      ...(codeFolder === undefined ? {} : { codeFolder }),
    });
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

  /**
   * Runs any call; what it throws is in the outcome. A query that asks an aggregate with `whileBuilding: "wait"` runs again
   * when the aggregates are built. @throws BACKEND_CLOSED
   */
  async run(call: FunctionCall): Promise<FunctionOutcome> {
    const { runtime } = this.#parts;
    const outcome = await this.#track(() => runtime.run(call));
    if (!waitsForAggregate(outcome)) return outcome;
    await this.aggregates.settled();
    return await this.#track(() => runtime.run(call));
  }

  /**
   * Answers an HTTP request by the router of the app's `http.ts`; null when it has no route for it.
   * @throws BACKEND_CLOSED, and whatever the HTTP action throws
   */
  async fetch(request: Request, options: CallOptions = {}): Promise<Response | null> {
    return await this.#track(() => this.#parts.runtime.fetch(request, options));
  }

  get scheduler(): ScheduledWork {
    return this.#parts.scheduler;
  }

  /** The program that calls run. @throws MODULES_MISSING */
  get program(): LoadedProgram {
    return this.#parts.runtime.program;
  }

  /** Calls the listener after each commit that became visible; returns how to stop. */
  onCommit(listener: (commit: DatabaseCommit) => void): () => void {
    return this.database.onCommit(listener);
  }

  /**
   * Puts a program in place: imports it, checks the documents that are there against its schemas, builds
   * its indexes and, beside those that answer, the aggregates that it changes, then lets calls run it. New aggregates
   * are built after.
   * @throws MODULE_FAILED, SCHEMA_NOT_SATISFIED, INVALID_CRON, AGGREGATE_BUILD_FAILED and others; nothing has changed then
   */
  async activate(program: ComponentProgram, options: LoadOptions = {}): Promise<LoadedProgram> {
    this.#assertOpen();
    return await this.deploy.activate(program, options);
  }

  /** What still goes on behind the deploys that changed schemas. */
  async schemaChanges(): Promise<SchemaChanges> {
    const { value: transforms } = await this.database.query((tx) => tx.transforms(), { limits: null });
    return { transforms, pending: await this.#parts.migrations.pending() };
  }

  /**
   * Goes through everything that is stored: pages and entries of the file, ids, indexes and counts of the documents, the
   * managed aggregates; mends what is derived when asked to. It reads beside calls, but SQLite looks at its pages in one go,
   * and nothing else runs in the process meanwhile. O(everything).
   */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    const [loss] = this.#parts.runtime.active === null ? this.deploy.losses : [];
    return await this.#track(() => checkStored(this.database, loss ?? this.aggregates, options));
  }

  /** Waits for calls and jobs under way, makes everything durable and releases the storage. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#parts.migrations.stop();
    await this.#parts.driver.stop();
    await this.#parts.scheduler.stop();
    await Promise.allSettled(this.#running);
    await this.deploy.close();
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

  /** Runs what closing must wait for. */
  async #track<T>(run: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    const running = run();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  #assertOpen(): void {
    if (this.#closing !== null) {
      throw new TrueupError("BACKEND_CLOSED");
    }
  }
}

/** Queries only: what an action has done before it failed cannot be taken back. */
function waitsForAggregate(outcome: FunctionOutcome): boolean {
  if (outcome.status === "success" || outcome.readSet === undefined) return false;
  const { errorData } = outcome;
  return (
    typeof errorData === "object" &&
    errorData !== null &&
    "code" in errorData &&
    errorData.code === "AGGREGATE_BUILDING" &&
    errorData["wait"] === true
  );
}
