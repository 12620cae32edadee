/**
 * Puts programs in place, one at a time, and knows which one runs. Who has a part in an activation is a list in one order:
 *
 * 1. those that prepare the program: for a push the check that nothing has overtaken it, then the schemas, the aggregates that
 *    it changes, and its code;
 * 2. the program itself, which the head of the catalog names from then on;
 * 3. those that keep something of the program that runs: the scheduler, the drivers.
 *
 * `activation.ts` walks the list. What they wrote is taken up by reading it, in this process and in every other that shares the
 * data: the commit tells all of them that another program runs.
 */
import type { Database, MutationTransaction, QueryTransaction } from "../database/index.js";
import { isTrueupError, TrueupError } from "../errors/index.js";
import type { LoadedProgram, Runtime } from "../functions/index.js";
import { AggregateCalls, leaveOff, StandbyBuild } from "../integrity/index.js";
import { activate, type Participant } from "./activation.js";
import { programFingerprint } from "./code/fingerprint.js";
import type { Schemas } from "./code/program-code.js";
import { codeText, newProgramName, parseProgramName, type ProgramCodeName } from "./code/program-names.js";
import { MigrationCalls } from "./migrations/migration-calls.js";
import { SchemaPreparation } from "./preparation/schema-preparation.js";
import {
  pushIdOf,
  TransformFunctions,
  type OriginatedProgram,
  type ProgramOrigin,
} from "./steps/transform-functions.js";

/** What keeps something of the program that runs. */
export interface ProgramKeeper {
  /** Part of the transaction that puts a program in place, after its schemas. */
  store?(tx: MutationTransaction, program: LoadedProgram): Promise<void>;
  /**
   * Reads what it needs of the program that is in place, whichever process has put it there. From the call of the result on, it
   * goes by that program.
   */
  takeUp(tx: QueryTransaction, program: LoadedProgram): Promise<() => void>;
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
  readonly #stopListening: () => void;
  #running: OriginatedProgram | null = null;
  #takingUp: Promise<unknown> = Promise.resolve();
  #lastTurn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: ActivatorOptions) {
    this.#options = options;
    this.#functions = new TransformFunctions(options.database);
    this.#migrations = new MigrationCalls(options.database, options.runtime);
    const { database, runtime } = options;
    this.#stopListening = database.onCommit(({ program }) => {
      if (program === null || program === runtime.programs.current?.name) return;
      this.takeUp().catch((error: unknown) => this.#notTakenUp(error));
    });
  }

  /** Where the transforms of programs are found. */
  get functions(): TransformFunctions {
    return this.#functions;
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
  aggregatesBeside(next: OriginatedProgram): StandbyBuild {
    const { database, runtime } = this.#options;
    const { program } = next;
    return new StandbyBuild(database, runtime, runtime.active, { name: codeText(codeOf(next)), program });
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
    const { database, runtime, keepers } = this.#options;
    const { program, origin } = next;
    const name = newProgramName(codeOf(next));
    await activate(database, [
      { check: (tx) => Promise.resolve(runtime.programs.replaceIn(tx)) },
      ...preparing,
      {
        store: async (tx) => {
          this.#functions.add(origin, program);
          runtime.programs.add(name, program);
          tx.nameProgram(name);
          for (const keeper of keepers) await keeper.store?.(tx, program);
        },
      },
    ]);
    await this.takeUp();
  }

  /**
   * Has everyone here go by the program that the newest commit names, which another process may have put in place. Does
   * nothing where that is so. @throws PROGRAM_NOT_LOADED, and calls throw it too until a program comes that can be loaded
   */
  async takeUp(): Promise<void> {
    await this.#goBy(null);
  }

  /** @param anew The name of a program of which there is another instance. */
  async #goBy(anew: string | null): Promise<void> {
    const turn = this.#takingUp.then(() => this.#takeUpNewest(anew));
    this.#takingUp = turn.catch(() => {});
    await turn;
  }

  async #takeUpNewest(anew: string | null): Promise<void> {
    const { database, runtime, keepers, start } = this.#options;
    const { programs } = runtime;
    const { value: newest } = await database.query(
      async (tx) => {
        const name = tx.program;
        const isTakenUp = name === programs.current?.name && programs.refusal === null;
        if (name === null || (isTakenUp && name !== anew)) return null;
        if (!programs.has(name)) return { name, takeUps: [], program: null };
        const { program } = programs.named(name);
        const takeUps: (() => void)[] = [];
        for (const keeper of keepers) takeUps.push(await keeper.takeUp(tx, program));
        return { name, takeUps, program };
      },
      { limits: null },
    );
    if (newest === null) return;
    try {
      programs.takeUp(newest.name);
      for (const takeUp of newest.takeUps) takeUp();
      if (newest.program !== null) this.#running = { program: newest.program, origin: originOf(newest.name) };
      await start();
    } finally {
      for (const listener of this.#listeners) listener();
    }
  }

  #notTakenUp(error: unknown): void {
    const code = isTrueupError(error) ? error.code : null;
    // Whoever loads programs tells of one that cannot be loaded.
    if (this.#isClosed || code === "PROGRAM_NOT_LOADED" || code === "STORAGE_CLOSED") return;
    this.#options.runtime.report("", "deploy", error);
  }

  /** Has this process alone run another instance of the program in place, under the same name. */
  async replaceHere(name: string, program: LoadedProgram): Promise<void> {
    this.#options.runtime.programs.add(name, program);
    await this.#goBy(name);
  }

  /** Drops what was prepared for a program to come, which nobody is going to put in place. */
  async leaveOff(name: string): Promise<void> {
    const { database, runtime } = this.#options;
    await database.mutate(
      async (tx) => {
        for (const { componentPath, state, origin } of await tx.transforms()) {
          const pushId = state === "prepared" ? pushIdOf(origin) : null;
          const isOurs = pushId !== null && codeText({ kind: "push", pushId }) === name;
          if (isOurs) tx.abandonPrepared(componentPath);
        }
        const { active } = runtime;
        if (tx.followers?.program !== name) return;
        if (active === null) tx.nameFollowers(null);
        else await leaveOff(tx, new AggregateCalls(database, runtime, active));
      },
      { limits: null },
    );
  }

  /** Calls the listener whenever another program has begun to run; returns how to stop. */
  onActivated(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Lets no other turn begin. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopListening();
    await this.#takingUp;
  }
}

function codeOf({ origin, program }: OriginatedProgram): ProgramCodeName {
  return origin.kind === "push" ? origin : { kind: "modules", fingerprint: programFingerprint(program) };
}

function originOf(name: string): ProgramOrigin {
  const code = parseProgramName(name);
  return code?.kind === "push" ? code : { kind: "modules" };
}
