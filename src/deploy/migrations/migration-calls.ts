/**
 * Asks and starts the migrations that a program's deploy starts, with the program's code, each call in a transaction of its
 * own.
 */
import type { Database } from "../../database/index.js";
import { isTrueupError } from "../../errors/index.js";
import type { Exported, LoadedProgram, Runtime } from "../../functions/index.js";
import type { DeployMigration, DeployMigrationStatus } from "../../seams/index.js";
import { assertHeld, type Lease } from "../../work/index.js";
import { isComplete } from "./migration-status.js";

/** What is needed of a runtime. */
export type MigrationRuntime = Pick<Runtime, "mutateInside" | "queryInside">;

type Migrations = readonly Exported<DeployMigration>[];

export class MigrationCalls {
  readonly #database: Database;
  readonly #runtime: MigrationRuntime;
  readonly #lease: Lease | null;

  /** @param lease Without which none is started; left out where none is to be. */
  constructor(database: Database, runtime: MigrationRuntime, lease: Lease | null = null) {
    this.#database = database;
    this.#runtime = runtime;
    this.#lease = lease;
  }

  /** How the migrations of a component stand, by name. A migration whose component is not in place yet has no status. */
  async statuses(
    program: LoadedProgram,
    componentPath: string,
    migrations: Migrations,
  ): Promise<ReadonlyMap<string, DeployMigrationStatus>> {
    const found = new Map<string, DeployMigrationStatus>();
    for (const { name, declared } of migrations) {
      const [status] = await this.#statusOf(program, componentPath, name, declared);
      if (status !== undefined) found.set(name, status);
    }
    return found;
  }

  /**
   * How the migrations of a component stand, by name: those that the next program exports, those that the running one does,
   * and those of which only the name is known; as far as either program can be asked.
   */
  async standing(
    next: LoadedProgram,
    running: LoadedProgram | null,
    componentPath: string,
    names: readonly string[],
  ): Promise<ReadonlyMap<string, DeployMigrationStatus>> {
    const found = new Map<string, DeployMigrationStatus>();
    for (const program of running === null ? [next] : [next, running]) {
      const own = program.components.get(componentPath)?.declarations.migrations ?? [];
      const [asked] = own;
      if (asked === undefined) continue;
      const others = names.map((name) => ({ name, declared: asked.declared }));
      const unknown = [...own, ...others].filter(({ name }) => !found.has(name));
      for (const [name, status] of await this.statuses(program, componentPath, unknown)) {
        found.set(name, status);
      }
    }
    return found;
  }

  /** The names of those that are complete, with no document of theirs in quarantine. */
  async complete(
    program: LoadedProgram,
    componentPath: string,
    migrations: Migrations,
  ): Promise<ReadonlySet<string>> {
    const statuses = await this.statuses(program, componentPath, migrations);
    return new Set([...statuses.values()].filter(isComplete).map(({ name }) => name));
  }

  /** Starts or resumes one. */
  async start(
    program: LoadedProgram,
    componentPath: string,
    { name, declared }: Exported<DeployMigration>,
  ): Promise<void> {
    await this.#database.mutate(
      async (tx) => {
        if (this.#lease !== null) await assertHeld(this.#lease, tx);
        await this.#runtime.mutateInside(tx, program, componentPath, (ctx) => declared.start(ctx, name));
      },
      { limits: null },
    );
  }

  async #statusOf(
    program: LoadedProgram,
    componentPath: string,
    name: string,
    declared: DeployMigration,
  ): Promise<readonly DeployMigrationStatus[]> {
    try {
      const { value } = await this.#database.query(
        (tx) => this.#runtime.queryInside(tx, program, componentPath, (ctx) => declared.status(ctx, [name])),
        { limits: null },
      );
      return value;
    } catch (error) {
      // Tables and indexes of the component that keeps the job come with the program.
      if (isTrueupError(error) && notThereYet.has(error.code)) return [];
      throw error;
    }
  }
}

const notThereYet: ReadonlySet<string> = new Set(["TABLE_NOT_FOUND", "INDEX_NOT_FOUND", "INDEX_NOT_READY"]);
