/**
 * Calls the methods of managed aggregates, each in a transaction of its own, with the code of one program. The transactions have
 * no limits of their own: the component keeps to those that `ctx.meta` reports, so that what is built here would build on Convex
 * Cloud too.
 */
import { type GenericDataModel, type GenericMutationCtx, makeFunctionReference } from "convex/server";
import type {
  Database,
  DatabaseReader,
  MutationTransaction,
  QueryTransaction,
  TablePart,
} from "../database/index.js";
import type { ExportedAggregate, LoadedProgram, Runtime } from "../functions/index.js";
import type {
  Advance,
  AdvanceOptions,
  AggregateStanding,
  AggregateStatus,
  BeginOptions,
  StartVerifyOptions,
  VerifyReport,
} from "../seams/index.js";
import { readRecords } from "./aggregate-records.js";
import { assertHeld, type Lease, type Others } from "../work/index.js";

/** The function of a component that forgets the aggregate which was managed in it. */
const release = "generations:release";

/** How documents are read: as they are, or as transforms to come will make them. */
export type ReaderOf = (tx: QueryTransaction, componentPath: string) => DatabaseReader;

const componentOf: ReaderOf = (tx, componentPath) => tx.component(componentPath);

/** What these calls need of a runtime. */
export type AggregateRuntime = Pick<Runtime, "mutateInside" | "queryInside">;

export class AggregateCalls {
  readonly #database: Database;
  readonly #runtime: AggregateRuntime;
  readonly program: LoadedProgram;
  readonly #lease: Lease | null;

  /** @param lease Without which no work is done; left out where whoever calls does it in any case. */
  constructor(
    database: Database,
    runtime: AggregateRuntime,
    program: LoadedProgram,
    lease: Lease | null = null,
  ) {
    this.#database = database;
    this.#runtime = runtime;
    this.program = program;
    this.#lease = lease;
  }

  /** Whether several processes share the storage. */
  get isShared(): boolean {
    return this.#database.storage.capabilities.shared;
  }

  /** Begins an aggregate in an open transaction: the one that puts a program in place, or prepares that. */
  async begin(
    tx: MutationTransaction,
    { aggregate, componentPath }: ExportedAggregate,
    options: BeginOptions = {},
  ): Promise<void> {
    await this.#runtime.mutateInside(tx, this.program, componentPath, (ctx) => aggregate.begin(ctx, options));
  }

  /** Sets a component free, in an open transaction, because the program manages no aggregate in it any more. */
  async release(tx: MutationTransaction, path: string): Promise<void> {
    const component = this.program.components.get(path);
    if (component?.functions.has(release) !== true) return;
    await this.#runtime.mutateInside(tx, this.program, path, async (ctx) => {
      const { runMutation } = ctx as GenericMutationCtx<GenericDataModel>;
      await runMutation(makeFunctionReference<"mutation">(release), {});
    });
  }

  /**
   * Works on an aggregate in an open transaction until it is ready. A step that throws is undone and left to the driver; then
   * the result is false.
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

  /** Does one transaction's worth of work on an aggregate. */
  async work({ aggregate, componentPath }: ExportedAggregate): Promise<Advance> {
    return await this.#mutate(componentPath, (ctx) => aggregate.advance(ctx));
  }

  /**
   * Does the same while a definition is still the active program's, and returns null when another one is: work on a definition
   * that is not active would begin it again. Where a reader is given, the table is read through it.
   */
  async workWhile(
    found: ExportedAggregate,
    definition: string,
    options: AdvanceOptions = {},
    readerOf?: ReaderOf,
  ): Promise<Advance | null> {
    const { name, aggregate, componentPath } = found;
    const { value } = await this.#database.mutate(
      async (tx) => {
        if (this.#lease !== null) await assertHeld(this.#lease, tx);
        if ((await readRecords(tx)).get(name)?.definition !== definition) return null;
        const reader = readerOf?.(tx, componentPath);
        const advance = (ctx: object): Promise<Advance> => aggregate.advance(ctx, options);
        return await this.#runtime.mutateInside(tx, this.program, componentPath, advance, reader);
      },
      { limits: null },
    );
    return value;
  }

  /** Reads documents of the aggregate's table behind a place, and how many the table has, in a snapshot. */
  async readTable(
    { aggregate, componentPath }: ExportedAggregate,
    behind: string | null,
    limit: number,
    readerOf: ReaderOf = componentOf,
  ): Promise<{ readonly part: TablePart; readonly total: number }> {
    const { value } = await this.#database.query(
      async (tx) => {
        const reader = readerOf(tx, componentPath);
        const part = await reader.pass(aggregate.table, behind, limit);
        return { part, total: await reader.count(aggregate.table) };
      },
      { limits: null },
    );
    return value;
  }

  /** Runs a part of an aggregate's work in a transaction of its own. */
  async mutate<T>({ componentPath }: ExportedAggregate, run: (ctx: object) => Promise<T>): Promise<T> {
    return await this.#mutate(componentPath, run, this.#lease);
  }

  async startVerify(
    { aggregate, componentPath }: ExportedAggregate,
    options: StartVerifyOptions,
  ): Promise<string> {
    return await this.#mutate(componentPath, (ctx) => aggregate.startVerify(ctx, options));
  }

  async standing({ aggregate, componentPath }: ExportedAggregate): Promise<AggregateStanding> {
    return await this.#query(componentPath, (ctx) => aggregate.standing(ctx));
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

  async #mutate<T>(
    componentPath: string,
    run: (ctx: object) => Promise<T>,
    lease: Lease | null = null,
  ): Promise<T> {
    const { value } = await this.#database.mutate(
      async (tx) => {
        if (lease !== null) await assertHeld(lease, tx);
        return await this.#runtime.mutateInside(tx, this.program, componentPath, run);
      },
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

/**
 * How work on aggregates sees live writes: by commits, of which a step of the work makes one itself. A build in bulk lets others
 * in every few milliseconds, and rests no longer than that.
 */
export function liveWritesOf(database: Database, isInBulk: () => boolean): Others {
  return {
    count: () => database.commits,
    ownPerStep: 1,
    areWaiting: () => database.isAwaited,
    maxRestMs: () => (isInBulk() ? 0 : 100),
  };
}

/** About the number of documents of an aggregate's table: as of the beginning, so that no insert refuses the transaction. */
export async function sizeOf(
  tx: MutationTransaction,
  { componentPath, aggregate: { table } }: ExportedAggregate,
): Promise<number> {
  const before = tx.staleReader(componentPath);
  const reader = before.tables().includes(table) ? before : tx.component(componentPath);
  return reader.tables().includes(table) ? await reader.count(table) : 0;
}
