/** Opens a backend: the storage, the database, the runtime, the scheduler, and the program that is given or stored. */
import { Database } from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import {
  programFromModules,
  Runtime,
  type ComponentModules,
  type LogSink,
  type ProgramSource,
  type StalledCall,
  type TimeLimits,
} from "../functions/index.js";
import { AggregateDriver } from "../integrity/index.js";
import { MigrationDriver } from "../deploy/index.js";
import { JobTable, Scheduler } from "../scheduler/index.js";
import type { OpenStorage, Storage } from "../storage/storage.js";
import { Backend, type StartServer } from "./backend.js";

/** What to open, and how. Only `storage` is needed. */
export interface OpenBackendOptions {
  /** Where the data is: `sqlite("app.sqlite")` or `memory()`. */
  readonly storage: OpenStorage;
  /**
   * The app's functions: module loaders by path, as `import.meta.glob("./convex/**\/*.ts")` yields them, or
   * `modulesFromDirectory`. Left out: the code that was pushed to this storage, if any was.
   */
  readonly modules?: ProgramSource["modules"];
  /** The app's schema; left out, the default export of its `schema` module. */
  readonly schema?: ProgramSource["schema"];
  /** The code of the components that the app mounts, by instance or definition name. */
  readonly components?: Readonly<Record<string, ComponentModules>>;
  /** Whether Convex's limits on transactions and values hold (default), or none. */
  readonly limits?: "convex" | "none";
  /** How long calls may take by the clock; left out, ten seconds, and ten minutes for actions; null for any time. */
  readonly timeLimits?: TimeLimits | null;
  /** Calls that are refused while the code is the same, because they kept the event loop until the process was ended. */
  readonly stalledCalls?: readonly StalledCall[];
  /** Environment variables that functions see in `process.env`, before those of the process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether scheduled functions, cron jobs and the work on aggregates run here (default true). */
  readonly runScheduled?: boolean;
  /** From where pushed code finds the packages that it does not bundle; left out, `.trueup/code` in the current folder. */
  readonly codeFolder?: string;
  /** Where functions' console output goes: the console (default), nowhere, or a function. */
  readonly log?: "console" | "silent" | LogSink;
  /** Whether what calls throw is logged, too, under their request ids (default false). */
  readonly logsFailures?: boolean;
}

/**
 * Opens a backend on a storage, and puts in place the program of `modules` or, without them, the code that was pushed last.
 * Where there is neither, or the pushed code is damaged, which the log says, it opens too: calls then throw MODULES_MISSING
 * until a program is activated. O(tables + indexes) where the schemas are those in force, else as `backend.activate()`.
 * @throws INVALID_OPTIONS, STORAGE_LOCKED, STORAGE_UNAVAILABLE, STORAGE_CORRUPT, and what `backend.activate()` throws; the
 *   storage is closed again then
 * @param startServer What `backend.listen` calls; left out, it throws.
 */
export async function openBackend(options: OpenBackendOptions, startServer?: StartServer): Promise<Backend> {
  assertOptions(options);
  const storage = await options.storage();
  try {
    return await openOn(storage, options, startServer);
  } catch (error) {
    await storage.close();
    throw error;
  }
}

/** What JavaScript callers get wrong shows at once, not when the option is first used. @throws INVALID_OPTIONS */
function assertOptions(options: OpenBackendOptions): void {
  const {
    storage,
    log = "console",
    limits = "convex",
  }: { readonly [Name in keyof OpenBackendOptions]: unknown } = options;
  const problems = [
    ...(typeof storage === "function" ? [] : ["`storage` takes `sqlite(path)` or `memory()`"]),
    ...(typeof log === "function" || log === "console" || log === "silent"
      ? []
      : ['`log` takes "console", "silent" or a function']),
    ...(limits === "convex" || limits === "none" ? [] : ['`limits` takes "convex" or "none"']),
  ];
  if (problems.length > 0) throw new TrueupError("INVALID_OPTIONS", `${problems.join("; ")}.`);
}

async function openOn(
  storage: Storage,
  options: OpenBackendOptions,
  startServer: StartServer | undefined,
): Promise<Backend> {
  // The clock is read anew at each use, so that tests may replace it.
  const database = await Database.open(storage, { clock: () => Date.now() });
  const jobs = new JobTable(database);
  const runtime = new Runtime(database, {
    jobs,
    limits: options.limits ?? "convex",
    log: options.log ?? "console",
    ...(options.timeLimits !== undefined && { timeLimits: options.timeLimits }),
    ...(options.stalledCalls !== undefined && { stalledCalls: options.stalledCalls }),
    logsFailures: options.logsFailures ?? false,
    ...(process.env["TRUEUP_TRACE"] === "1" ? { trace: printTrace } : {}),
  });
  const scheduler = new Scheduler(database, runtime, jobs, {
    onFailure: ({ componentPath, functionPath, error, requestId }) =>
      runtime.report(componentPath, functionPath, error, requestId),
  });
  const driver = new AggregateDriver(database, runtime, {
    onFailure: (name, error) => runtime.report(name, "aggregate", error),
  });
  const migrations = new MigrationDriver(database, runtime, {
    log: (line) => runtime.say("deploy", line),
    onFailure: (error) => runtime.report("", "deploy", error),
  });
  const backend = new Backend({
    database,
    runtime,
    scheduler,
    driver,
    migrations,
    runScheduled: options.runScheduled ?? true,
    env: options.env ?? {},
    ...(options.codeFolder === undefined ? {} : { codeFolder: options.codeFolder }),
    ...(startServer !== undefined && { startServer }),
  });
  const { modules } = options;
  if (modules !== undefined) {
    await backend.deploy.open(await programFromModules({ ...options, modules }));
    return backend;
  }
  const resumed = await backend.deploy.resume();
  for (const loss of backend.deploy.losses) runtime.report("", "deploy", loss);
  // A module that no longer imports must not keep the next push from mending it.
  for (const [path, { failures }] of resumed?.components ?? []) {
    for (const [modulePath, error] of failures) {
      runtime.report(path, modulePath, error);
    }
  }
  return backend;
}

/** To stderr: what a command prints to stdout is its result. */
function printTrace(line: string): void {
  process.stderr.write(`trace ${line}\n`);
}
