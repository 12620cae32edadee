/**
 * Each of an aggregate's own methods in a transaction of its own, with the code of one program. The transactions have no
 * limits: the component counts down from those that `ctx.meta` reports, so that what is built here would build on Convex Cloud.
 */
import { type GenericDataModel, type GenericMutationCtx, makeFunctionReference } from "convex/server";
import type { Database, DatabaseReader, MutationTransaction } from "../database/index.js";
import type {
  Advance,
  AggregateStatus,
  ExportedAggregate,
  LoadedProgram,
  Runtime,
  VerifyReport,
} from "../functions/index.js";
import { readRecords } from "./aggregate-records.js";
import type { Others } from "../work/index.js";

/** A component's own function that forgets what was managed in it. */
const release = "generations:release";

/** What is needed of a runtime. */
export type AggregateRuntime = Pick<Runtime, "mutateInside" | "queryInside">;

export interface StartVerifyOptions {
  readonly repair?: boolean;
  readonly startedBy?: string;
}

export class AggregateCalls {
  readonly #database: Database;
  readonly #runtime: AggregateRuntime;
  readonly program: LoadedProgram;

  constructor(database: Database, runtime: AggregateRuntime, program: LoadedProgram) {
    this.#database = database;
    this.#runtime = runtime;
    this.program = program;
  }

  /** Part of a transaction that is open: the one that puts a program in place, or prepares that. */
  async begin(
    tx: MutationTransaction,
    { aggregate, componentPath }: ExportedAggregate,
    options: { readonly standby?: boolean; readonly fresh?: boolean } = {},
  ): Promise<void> {
    await this.#runtime.mutateInside(tx, this.program, componentPath, (ctx) => aggregate.begin(ctx, options));
  }

  /** Part of a transaction that is open: nothing of the program manages an aggregate in this component any more. */
  async release(tx: MutationTransaction, path: string): Promise<void> {
    const component = this.program.components.get(path);
    if (component?.functions.has(release) !== true) return;
    await this.#runtime.mutateInside(tx, this.program, path, async (ctx) => {
      const { runMutation } = ctx as GenericMutationCtx<GenericDataModel>;
      await runMutation(makeFunctionReference<"mutation">(release), {});
    });
  }

  /**
   * Works on it in a transaction that is open, until it is ready. What throws is undone, and left to those who do the work
   * after: then the result is false.
   */
  async workInside(tx: MutationTransaction, found: ExportedAggregate): Promise<boolean> {
    const { aggregate, componentPath } = found;
    const step = async (): Promise<boolean> => {
      const { due, waitMs, state } = await this.#runtime.mutateInside(
        tx,
        this.program,
        componentPath,
        (ctx) => aggregate.advance(ctx),
      );
      return due && waitMs === undefined && state !== "ready";
    };
    try {
      while (await tx.nested(step));
      return true;
    } catch {
      return false;
    }
  }

  /** A transaction's worth of work. */
  async work({ aggregate, componentPath }: ExportedAggregate): Promise<Advance> {
    return await this.#mutate(componentPath, (ctx) => aggregate.advance(ctx));
  }

  /**
   * The same, as long as a definition is the active program's. Null when another one is by now: to work for one that is
   * not would begin it again. Where a reader is given, the table is read by that.
   */
  async workWhile(
    found: ExportedAggregate,
    definition: string,
    readerOf?: (tx: MutationTransaction, componentPath: string) => DatabaseReader,
  ): Promise<Advance | null> {
    const { name, aggregate, componentPath } = found;
    const { value } = await this.#database.mutate(
      async (tx) => {
        if ((await readRecords(tx)).get(name)?.definition !== definition) return null;
        const reader = readerOf?.(tx, componentPath);
        const advance = (ctx: object): Promise<Advance> => aggregate.advance(ctx);
        return await this.#runtime.mutateInside(tx, this.program, componentPath, advance, reader);
      },
      { limits: null },
    );
    return value;
  }

  async startVerify(
    { aggregate, componentPath }: ExportedAggregate,
    options: StartVerifyOptions,
  ): Promise<string> {
    return await this.#mutate(componentPath, (ctx) => aggregate.startVerify(ctx, options));
  }

  async status({ aggregate, componentPath }: ExportedAggregate): Promise<AggregateStatus> {
    return await this.#query(componentPath, (ctx) => aggregate.status(ctx));
  }

  async report(
    { aggregate, componentPath }: ExportedAggregate,
    runId?: string,
    cursor?: string,
  ): Promise<VerifyReport | null> {
    return await this.#query(componentPath, (ctx) => aggregate.report(ctx, runId, cursor));
  }

  async #mutate<T>(componentPath: string, run: (ctx: object) => Promise<T>): Promise<T> {
    const { value } = await this.#database.mutate(
      (tx) => this.#runtime.mutateInside(tx, this.program, componentPath, run),
      { limits: null },
    );
    return value;
  }

  async #query<T>(componentPath: string, run: (ctx: object) => Promise<T>): Promise<T> {
    const { value } = await this.#database.query(
      (tx) => this.#runtime.queryInside(tx, this.program, componentPath, run),
      { limits: null },
    );
    return value;
  }
}

/**
 * Begins each aggregate of a program and works on it until nothing is due, or until it has failed: then its reads say why.
 * The program must be in place, so that writes are followed.
 */
export async function buildAll(
  database: Database,
  runtime: AggregateRuntime,
  program: LoadedProgram,
): Promise<void> {
  const calls = new AggregateCalls(database, runtime, program);
  for (const found of program.aggregates().values()) {
    await database.mutate((tx) => calls.begin(tx, found), { limits: null });
    for (let isDue = true; isDue;) {
      const { due, state } = await calls.work(found);
      isDue = due && state !== "failed";
    }
  }
}

/** How work on aggregates sees live writes: by commits, of which a step of the work makes one itself. */
export function liveWritesOf(database: Database): Others {
  return { count: () => database.commits, ownPerStep: 1, maxRestMs: 100 };
}
