/**
 * Puts programs in place, one at a time, and knows which one runs. Who has a part in an activation is a list in one order:
 *
 * 1. those that prepare the program: for a push the check that nothing has overtaken it, then the schemas, the aggregates that
 *    it changes, and its code;
 * 2. those that keep something of the program that runs: its transforms, the runtime, the scheduler, the drivers;
 * 3. whoever wants to know that another program runs.
 *
 * `activation.ts` walks the list.
 */
import type { Database, MutationTransaction } from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import type { LoadedProgram, Runtime } from "../functions/index.js";
import { StandbyBuild } from "../integrity/index.js";
import { activate, type Participant, type TakeUp } from "./activation.js";
import type { Schemas } from "./code/program-code.js";
import { MigrationCalls } from "./migrations/migration-calls.js";
import { SchemaPreparation } from "./preparation/schema-preparation.js";
import { TransformFunctions, type OriginatedProgram } from "./steps/transform-functions.js";

/** What keeps something of the program that runs. */
export interface ProgramKeeper {
  /**
   * Part of the transaction that puts a program in place, after its schemas. What it resolves with is called once the
   * transaction has committed.
   */
  store(tx: MutationTransaction, program: LoadedProgram): Promise<() => void>;
}

export interface ActivatorOptions {
  readonly database: Database;
  readonly runtime: Runtime;
  /** In the order in which they store and take up a program. */
  readonly keepers: readonly ProgramKeeper[];
  /** Called whenever all of them have taken up a program: lets begin what works by itself. */
  readonly start: () => Promise<void>;
}

export class Activator {
  readonly #options: ActivatorOptions;
  readonly #functions: TransformFunctions;
  readonly #migrations: MigrationCalls;
  readonly #listeners = new Set<() => void>();
  #running: OriginatedProgram | null = null;
  #lastTurn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: ActivatorOptions) {
    this.#options = options;
    this.#functions = new TransformFunctions(options.database);
    this.#migrations = new MigrationCalls(options.database, options.runtime);
  }

  /**
   * Runs tasks one after another, in the order they came: what one has looked at must not be changed by another before it is
   * in place. A task that fails does not hold up the next. @throws BACKEND_CLOSED
   */
  async inTurn<T>(task: () => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      if (this.#isClosed) throw new TrueupError("BACKEND_CLOSED");
      return await task();
    };
    const turn = this.#lastTurn.then(run);
    this.#lastTurn = turn.catch(() => {});
    return await turn;
  }

  /** Begins to make the data ready for a program; a dry run checks everything and prepares nothing. */
  prepareSchemas(
    next: OriginatedProgram,
    schemas: { readonly before: Schemas; readonly after: Schemas },
    isDryRun: boolean,
  ): SchemaPreparation {
    const { database, runtime } = this.#options;
    return new SchemaPreparation({
      database,
      functions: this.#functions,
      runtime,
      ...schemas,
      next,
      running: this.#running,
      migrations: this.#migrations,
      isDryRun,
    });
  }

  /** The aggregates that a program changes, to be built beside those that answer. */
  aggregatesBeside(program: LoadedProgram): StandbyBuild {
    const { database, runtime } = this.#options;
    return new StandbyBuild(database, runtime, runtime.active, program);
  }

  /**
   * The schemas of a program that has been in place before: whatever goes on in the data goes on, and only what the indexes
   * lack is built.
   */
  schemasAsTheyAre({ program, origin }: OriginatedProgram): Participant {
    const { database } = this.#options;
    const schemas = [...program.components].map(
      ([path, component]) => [path, component.program.schema] as const,
    );
    return {
      whenReady: async () => {
        this.#functions.add(origin, program);
        const prepare = async (tx: MutationTransaction): Promise<void> => {
          for (const [path, schema] of schemas) if (schema !== null) await tx.prepareIndexes(path, schema);
        };
        await database.mutate(prepare, { limits: null });
        await database.background.whenBuilt();
      },
      store: async (tx) => {
        for (const [path, schema] of schemas) {
          const state = tx.schemaState(path);
          await tx.applySchema(path, schema, state.state === "pending" ? { pending: state } : {});
        }
      },
    };
  }

  /** Transforms of a program of earlier, which documents still need. */
  addTransforms({ program, origin }: OriginatedProgram): void {
    this.#functions.add(origin, program);
  }

  /** Puts a program in place. @param preparing Those that prepare it, in their order. @throws whatever one of them throws */
  async activate(next: OriginatedProgram, preparing: readonly Participant[]): Promise<void> {
    const { database, keepers, start } = this.#options;
    await activate(database, [
      ...preparing,
      afterwards(() => {
        this.#running = next;
        this.#functions.add(next.origin, next.program);
      }),
      ...keepers.map((keeper): Participant => ({ store: (tx) => keeper.store(tx, next.program) })),
      afterwards(start),
      afterwards(() => {
        for (const listener of this.#listeners) listener();
      }),
    ]);
  }

  /** Calls the listener whenever another program has begun to run; returns how to stop. */
  onActivated(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Lets no other turn begin. */
  close(): void {
    this.#isClosed = true;
  }
}

/** Has nothing to write. */
function afterwards(takeUp: TakeUp): Participant {
  return { store: () => Promise.resolve(takeUp) };
}
