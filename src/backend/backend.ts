/**
 * A backend in the process: one database, one program on it, one scheduler. It wires the rooms together and hands each call to
 * the room that it is for; what a deploy does is `deploy`, how a call runs is `functions`.
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
  EndedCall,
  FunctionCall,
  FunctionKind,
  FunctionOutcome,
  HttpOutcome,
  LoadedProgram,
  LoadOptions,
  Runtime,
} from "../functions/index.js";
import { Aggregates, type AggregateDriver } from "../integrity/index.js";
import type { Scheduler, Work } from "../scheduler/index.js";

import { AdminKeys } from "./admin-keys.js";
import { checkStored, type CheckOptions, type CheckReport } from "./check.js";
import { readFigures, type BackendFigures } from "./figures.js";
import type { RunningServer, ServerOptions } from "./listening.js";

/** On whose behalf a call is made. */
export interface CallOptions {
  /** What `ctx.auth.getUserIdentity()` returns in the app's functions; null, as when it is left out, for nobody. */
  readonly identity?: UserIdentity | null;
}

type Reference<Kind extends FunctionKind> = FunctionReference<Kind, "public" | "internal">;

/** The arguments of a function, then options. The arguments may be left out where a function takes none. */
export type CallArguments<Ref extends Reference<FunctionKind>> =
  OptionalRestArgs<Ref> extends [args?: infer Args]
    ? [args?: Args, options?: CallOptions]
    : [args: FunctionArgs<Ref>, options?: CallOptions];

/** How the scheduled work of a backend is watched. */
export interface ScheduledWork {
  /** Resolves when nothing is due and nothing runs; at once in a backend that runs no scheduled functions. */
  idle(): Promise<void>;
  /**
   * What became of the jobs that a call set off, and of those that these set off in turn.
   * @param requestId The id that was given to the call.
   */
  work(requestId: string): Promise<Work>;
}

/** Documents that are not in their schema's shape yet, and what brings them there. */
export interface SchemaChanges {
  /** Transforms that documents still need, with how far they are written through. */
  readonly transforms: readonly TransformStatus[];
  /** Schemas that migrations are still to bring every document into. */
  readonly pending: readonly PendingSchemaStatus[];
}

/** Starts a server for a backend. The room of servers is above this one, so whoever opens a backend brings one along. */
export type StartServer = (backend: Backend, options: ServerOptions) => Promise<RunningServer>;

/** What `openBackend` makes a backend of. */
export interface BackendParts {
  readonly database: Database;
  readonly runtime: Runtime;
  readonly scheduler: Scheduler;
  readonly driver: AggregateDriver;
  readonly migrations: MigrationDriver;
  readonly runScheduled: boolean;
  /** Environment variables of the app, before those that a program brings. */
  readonly env: Readonly<Record<string, string>>;
  /** Where pushed code is thought to lie. */
  readonly codeFolder?: string;
  /** Left out where nobody is to listen. */
  readonly startServer?: StartServer;
}

/**
 * Runs an app's functions on its data. `openBackend` makes one, and `close` ends it. Every call rejects with BACKEND_CLOSED
 * after that, and with MODULES_MISSING before a program was put in place.
 */
export class Backend {
  /** The documents, below functions. Writes here are checked against schemas and followed by aggregates and triggers, too. */
  readonly database: Database;
  /** Takes the code that the official CLI pushes, and puts programs in place. */
  readonly deploy: Deployer;
  /** The managed aggregates that the app exports: how they stand, to verify and repair them. */
  readonly aggregates: Aggregates;
  /** The keys of admins, who may do everything over the wire. */
  readonly keys: AdminKeys;
  readonly #parts: BackendParts;
  readonly #running = new Set<Promise<unknown>>();
  readonly #servers = new Set<Promise<RunningServer>>();
  #isClosed = false;
  #closing: Promise<void> | null = null;

  /** Call `openBackend` instead. */
  constructor(parts: BackendParts) {
    const { database, runtime, scheduler, driver, migrations, runScheduled, env, codeFolder } = parts;
    this.database = database;
    this.aggregates = new Aggregates(driver);
    this.keys = new AdminKeys(database);
    this.#parts = parts;
    this.deploy = new Deployer({
      database,
      runtime,
      env,
      keepers: [scheduler, driver, migrations],
      owner: database.leases.lease("deploy", { isForAll: true }),
      start: async () => {
        if (!runScheduled) return;
        await scheduler.start();
        driver.start();
        migrations.start();
      },
      ...(codeFolder === undefined ? {} : { codeFolder }),
    });
    this.deploy.start();
  }

  /**
   * Calls a query, in a snapshot of the latest durable commit, and resolves with what it returns.
   * @throws whatever the query throws; INVALID_ARGUMENTS, FUNCTION_NOT_FOUND, FUNCTION_WRONG_KIND, TRANSACTION_LIMIT,
   *   MODULES_MISSING, BACKEND_CLOSED
   */
  async query<Ref extends Reference<"query">>(
    reference: Ref,
    ...rest: CallArguments<Ref>
  ): Promise<FunctionReturnType<Ref>> {
    return await this.#call("query", reference, rest);
  }

  /**
   * Calls a mutation, in one transaction; resolves with what it returns, when its commit is as durable as the storage makes it.
   * @throws whatever the mutation throws, and nothing was written then; what `query` throws; SCHEMA_VIOLATION, STORAGE_FULL
   */
  async mutation<Ref extends Reference<"mutation">>(
    reference: Ref,
    ...rest: CallArguments<Ref>
  ): Promise<FunctionReturnType<Ref>> {
    return await this.#call("mutation", reference, rest);
  }

  /**
   * Calls an action, outside of any transaction, and resolves with what it returns.
   * @throws whatever it throws; what `query` throws
   */
  async action<Ref extends Reference<"action">>(
    reference: Ref,
    ...rest: CallArguments<Ref>
  ): Promise<FunctionReturnType<Ref>> {
    return await this.#call("action", reference, rest);
  }

  /**
   * Runs any call. What the function throws is in the outcome, with the lines that it has logged. A query that asks an
   * aggregate with `whileBuilding: "wait"` runs again when the aggregates are built, on what is the latest commit by then.
   * @throws BACKEND_CLOSED
   */
  async run(call: FunctionCall): Promise<FunctionOutcome> {
    const { runtime } = this.#parts;
    const outcome = await this.#track(() => runtime.run(call));
    if (!waitsForAggregate(outcome)) return outcome;
    await this.aggregates.settled();
    const { snapshot: _outdated, ...later } = call;
    return await this.#track(() => runtime.run(later));
  }

  /**
   * Answers an HTTP request by the router of the app's `http.ts`; resolves with null when that has no route for it.
   * @throws whatever the HTTP action throws; MODULES_MISSING, BACKEND_CLOSED
   */
  async fetch(request: Request, options: CallOptions = {}): Promise<Response | null> {
    const outcome = await this.fetchOutcome(request, options);
    if (outcome.status === "error") throw outcome.error;
    return outcome.response;
  }

  /** As `fetch`, but what the HTTP action throws is in the outcome. @throws MODULES_MISSING, BACKEND_CLOSED */
  async fetchOutcome(request: Request, options: CallOptions = {}): Promise<HttpOutcome> {
    return await this.#track(() => this.#parts.runtime.fetch(request, options));
  }

  /** Calls the listener after each call, also those of scheduled functions; returns how to stop. */
  onCallEnded(listener: (call: EndedCall) => void): () => void {
    return this.#parts.runtime.onCallEnded(listener);
  }

  /** Watches the functions that calls have scheduled. */
  get scheduler(): ScheduledWork {
    return this.#parts.scheduler;
  }

  /** The program that calls run. @throws MODULES_MISSING */
  get program(): LoadedProgram {
    return this.#parts.runtime.program;
  }

  /** The same; null before the first was put in place. */
  get activeProgram(): LoadedProgram | null {
    return this.#parts.runtime.active;
  }

  /** Calls the listener after each commit that has become visible, in the order of commits; returns how to stop. */
  onCommit(listener: (commit: DatabaseCommit) => void): () => void {
    return this.database.onCommit(listener);
  }

  /**
   * Puts a program in place while calls go on: imports it, checks the documents that are there against its schemas, builds
   * its indexes and, beside those that answer, the aggregates that it changes, then lets calls run it in one transaction. New
   * aggregates are built afterwards. Activations run one after another.
   * O(documents of the tables whose type may refuse some, and of those that transforms or new indexes are for).
   * @throws MODULE_FAILED, COMPONENT_MISSING, INVALID_SCHEMA, INVALID_CRON, SCHEMA_NOT_SATISFIED, DESTRUCTIVE_CHANGE,
   *   MIGRATION_UNFINISHED, TRANSFORM_INVALID, TRANSFORM_MISSING, TRANSFORM_REHEARSAL_FAILED, TRANSFORM_FAILED,
   *   COMPONENT_NOT_MOVED, AGGREGATE_BUILD_FAILED, PUSH_OUTDATED, BACKEND_CLOSED; nothing has changed then
   */
  async activate(program: ComponentProgram, options: LoadOptions = {}): Promise<LoadedProgram> {
    this.#assertOpen();
    return await this.deploy.activate(program, options);
  }

  /** What still goes on behind deploys that changed schemas. O(tables + transforms). */
  async schemaChanges(): Promise<SchemaChanges> {
    const { value: transforms } = await this.database.query((tx) => tx.transforms(), { limits: null });
    return { transforms, pending: await this.#parts.migrations.pending() };
  }

  /**
   * What it has done since it was opened, and how it stands: what `/metrics` tells.
   * O(aggregates + migrations + jobs that are due). @throws BACKEND_CLOSED
   */
  async figures(): Promise<BackendFigures> {
    const { database, scheduler, migrations } = this.#parts;
    return await this.#track(() =>
      readFigures({ database, deploy: this.deploy, scheduler, migrations, aggregates: this.aggregates }),
    );
  }

  /**
   * Goes through everything that is stored: pages and entries of the file, ids, indexes and counts of the documents, the
   * managed aggregates. With `repair` it mends what is derived from documents. It reads beside calls, but SQLite looks at its
   * pages in one go, and nothing else runs in the process meanwhile. O(everything). @throws BACKEND_CLOSED
   */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    const [loss] = this.#parts.runtime.active === null ? this.deploy.losses : [];
    return await this.#track(() => checkStored(this.database, loss ?? this.aggregates, options));
  }

  /**
   * Serves the official clients and the official CLI over HTTP and WebSockets, from this process. `backend.keys.add("me")` makes
   * a key for admins. The server ends with `close()` of its own or of the backend, which lets its calls end first.
   * @throws PORT_IN_USE, INVALID_OPTIONS, BACKEND_CLOSED
   */
  async listen(options: ServerOptions): Promise<RunningServer> {
    const { startServer } = this.#parts;
    if (this.#closing !== null) throw new TrueupError("BACKEND_CLOSED");
    if (startServer === undefined) {
      throw new TrueupError("FEATURE_NOT_SUPPORTED", "This backend was opened without a server.");
    }
    const starting = startServer(this, options);
    this.#servers.add(starting);
    try {
      const server = await starting;
      return {
        ...server,
        close: async () => {
          await server.close();
          this.#servers.delete(starting);
        },
      };
    } catch (error) {
      this.#servers.delete(starting);
      throw error;
    }
  }

  /**
   * Ends the servers that listen for it, waits for calls and jobs under way, makes everything durable and releases the storage.
   * Call it as often as you like.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Their clients' calls under way are still answered.
    await Promise.all([...this.#servers].map(closeServer));
    this.#isClosed = true;
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
    if (this.#isClosed) {
      throw new TrueupError("BACKEND_CLOSED");
    }
  }
}

async function closeServer(starting: Promise<RunningServer>): Promise<void> {
  try {
    await (await starting).close();
  } catch {
    // It never listened, which whoever started it is told.
  }
}

/** Whether a call is a query that waits for an aggregate. What an action has done before it failed cannot be taken back. */
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
