/**
 * The engine behind one `convexTest`: a storage, a database, and the program of the app with the components mounted so far. It
 * is opened at the first call, and loads the program again when a component was mounted since. A module is imported when one
 * of its functions is first called, so a test imports no more than it uses; where a component may keep a managed aggregate,
 * all modules of the app are imported, to find it.
 */
import type { UserIdentity } from "convex/server";
import { Database, type TransactionLimits } from "../database/index.js";
import {
  modulesByPath,
  Runtime,
  type ComponentProgram,
  type FunctionCall,
  type ModuleLoader,
} from "../functions/index.js";
import { buildAll } from "../integrity/index.js";
import { parseSchema, type SchemaJson, type SchemaSource } from "../schema/index.js";
import { JobTable } from "../scheduler/index.js";
import { installGlobals, isolateGlobals } from "./function-globals.js";
import { openTestStorage, TestFiles } from "./test-storage.js";
import { TimedJobs } from "./timed-jobs.js";

/** The limits of transactions: true for those of Convex, numbers in place of some of these, false for none. */
export type TestTransactionLimits = boolean | { readonly [Name in keyof TransactionLimits]?: number };

/** A record of module loaders, as `import.meta.glob` yields it. */
export type ModuleGlob = Readonly<Record<string, () => Promise<unknown>>>;

/** The caller on whose behalf a call is made. */
export interface Caller {
  readonly identity: UserIdentity | null;
  readonly authToken: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export interface TestBackendOptions {
  readonly schema: SchemaSource | null;
  readonly modules: ModuleGlob;
  readonly transactionLimits: TestTransactionLimits;
  /** Imports all modules before the first call, so that exported triggers run on every write. */
  readonly enforceTriggers: boolean;
}

interface Component {
  readonly schema: SchemaJson | null;
  readonly modules: Record<string, ModuleLoader>;
}

interface Engine {
  readonly database: Database;
  readonly jobs: JobTable;
  readonly runtime: Runtime;
  readonly timedJobs: TimedJobs;
}

export class TestBackend {
  readonly #components = new Map<string, Component>();
  readonly #options: TestBackendOptions;
  #engine: Promise<Engine> | null = null;
  #activations = 0;
  #activation: Promise<Engine> | null = null;

  /** @throws INVALID_SCHEMA */
  constructor(options: TestBackendOptions) {
    this.#options = options;
    // A test that compares globals before and after its functions ran finds the same ones.
    installGlobals();
    this.register("", options.schema, options.modules);
  }

  /** Mounts a component, or sets the app. @throws INVALID_SCHEMA */
  register(path: string, schema: SchemaSource | null, modules: ModuleGlob): void {
    this.#components.set(path, {
      schema: schema === null ? null : parseSchema(schema),
      modules: loadersOf(modules),
    });
    this.#activation = null;
  }

  /** Runs a call of a test, which may also call internal functions. Rejects with what the function throws. */
  async call(
    target: { readonly reference: unknown; readonly kind: FunctionCall["kind"] } | InlineCall,
    args: unknown,
    caller: Caller,
  ): Promise<unknown> {
    const { runtime } = await this.#ready();
    const outcome = await runtime.run({ ...target, args, ...caller, allowInternal: true } as FunctionCall);
    if (outcome.status === "error") {
      throw outcome.error;
    }
    return outcome.value;
  }

  /** Answers a request by the app's router. Returns null when it has no route for the request. */
  async fetch(request: Request, caller: Caller): Promise<Response | null> {
    const { runtime } = await this.#ready();
    const outcome = await runtime.fetch(request, caller);
    if (outcome.status === "error") throw outcome.error;
    return outcome.response;
  }

  async finishInProgress(): Promise<void> {
    await (await this.#engine)?.timedJobs.finishInProgress();
  }

  async finishAll(advanceTimers: () => void, maxIterations: number): Promise<void> {
    const { timedJobs } = await this.#ready();
    await timedJobs.finishAll(advanceTimers, maxIterations);
  }

  #ready(): Promise<Engine> {
    installGlobals();
    this.#activation ??= this.#activate();
    return this.#activation;
  }

  async #activate(): Promise<Engine> {
    this.#engine ??= this.#open();
    const engine = await this.#engine;
    const { database, jobs, runtime } = engine;
    const loaded = await runtime.load(programOf(this.#components), {
      imports: this.#options.enforceTriggers ? "all" : "onDemand",
      moduleFailures: "defer",
      findsAggregates: [...this.#components.values()].some(keepsAggregates),
    });
    const name = `test/${++this.#activations}`;
    runtime.programs.add(name, loaded);
    await database.mutate(
      async (tx) => {
        for (const [path, component] of loaded.components) {
          await tx.applySchema(path, component.program.schema);
          await jobs.ensure(tx, path);
        }
        tx.nameProgram(name);
      },
      { limits: null },
    );
    await database.background.whenIdle();
    isolateGlobals(loaded);
    runtime.programs.takeUp(name);
    await buildAll(database, runtime, loaded);
    return engine;
  }

  async #open(): Promise<Engine> {
    const clock = (): number => Date.now();
    const database = await Database.open(await openTestStorage(), { clock });
    const jobs = new JobTable(database);
    const { transactionLimits } = this.#options;
    const runtime = new Runtime(database, {
      jobs,
      limits:
        transactionLimits === false ? "reported" : transactionLimits === true ? "convex" : transactionLimits,
      deploymentName: "test",
      files: new TestFiles(),
      searchesByScan: true,
    });
    return { database, jobs, runtime, timedJobs: new TimedJobs(database, runtime, jobs) };
  }
}

/** A function given inline. */
export interface InlineCall {
  readonly handler: (ctx: object, args: unknown) => unknown;
  readonly kind: "query" | "mutation" | "action";
}

/** Whether a component may keep a managed aggregate. One that does has a table of generations. */
function keepsAggregates({ schema }: Component): boolean {
  return schema?.tables.some(({ tableName }) => tableName === "generations") === true;
}

/** Loaders by module path. */
function loadersOf(glob: ModuleGlob): Record<string, ModuleLoader> {
  return Object.fromEntries(
    Object.entries(modulesByPath(glob)).map(([path, load]) => [
      path,
      async () => ({ ...((await load()) as Record<string, unknown>) }),
    ]),
  );
}

/** The tree of components. Where nobody mounted the component around one, an empty one takes its place. */
function programOf(components: ReadonlyMap<string, Component>): ComponentProgram {
  const build = (path: string): ComponentProgram => {
    const prefix = path === "" ? "" : `${path}/`;
    const names = [...components.keys()]
      .filter((other) => other !== "" && other.startsWith(prefix) && other !== path)
      .map((other) => other.slice(prefix.length).split("/")[0] ?? "");
    const children = Object.fromEntries([...new Set(names)].map((name) => [name, build(prefix + name)]));
    const { schema = null, modules = {} } = components.get(path) ?? {};
    return { path, schema, modules, children };
  };
  return build("");
}
