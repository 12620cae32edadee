/**
 * `Migrations`: an app's migrations and the component that keeps their jobs. `define` makes a function that
 * goes through a table, or a transform that a deploy applies; the other methods start, watch and steer such
 * functions. All progress lives in the component, so any copy of this class may do any of it.
 */
import {
  getFunctionName,
  internalMutationGeneric,
  type DataModelFromSchemaDefinition,
  type GenericDataModel,
  type GenericDocument,
  type GenericMutationCtx,
  type GenericSchema,
  type MutationBuilder,
  type RegisteredMutation,
  type SchemaDefinition,
  type TableNamesInDataModel,
} from "convex/server";
import { transformBrand } from "../../../seams/index.js";
import type { ComponentApi } from "../component/_generated/component.js";
import { migrationError } from "../component/failures.js";
import { given } from "../component/given.js";
import {
  migrationArgs,
  type MigrationArgs,
  type MigrationResult,
  type Tuning,
} from "../component/protocol.js";
import type {
  CheckStatus,
  MigrationStatus,
  QuarantinedDocument,
  RetryResult,
  RunSummary,
} from "../component/status.js";
import { runBatch } from "./batch/batch.js";
import {
  fieldRename,
  onDeploy,
  transform,
  waive,
  type TableRename,
  type Transform,
  type TransformDefinition,
  type Waivers,
  type WaiverText,
} from "./declarations.js";
import {
  plainDefinition,
  type MigrationDefinition,
  type MigrationFunctionReference,
  type PlainDefinition,
} from "./definition.js";
import {
  callerOf,
  startCheck,
  startInteractively,
  startItself,
  startMigration,
  targetNamed,
  targetOf,
  targetsNamed,
  type ActionCtx,
  type MutationCtx,
  type QueryCtx,
  type StartOptions,
} from "./starter.js";

/** Options of `new Migrations`. */
export interface MigrationsOptions<DataModel extends GenericDataModel, Schema> {
  /** The builder of migration functions, which also supplies the types of the app's tables. */
  internalMutation?: MutationBuilder<DataModel, "internal"> | undefined;
  /** The batch size, in documents, of definitions that prescribe none. */
  defaultBatchSize?: number | undefined;
  /** Stands before names without a file: with "bar/baz:", "foo" means "bar/baz:foo". */
  migrationsLocationPrefix?: string | undefined;
  /** The app's schema. It tells the fields of an index, so that a batch can begin behind any document of the index. */
  schema?: Schema | undefined;
}

type AnySchema = SchemaDefinition<GenericSchema, boolean>;
/** A migration by its function, or by its name: "migrations:foo". */
type Migration = MigrationFunctionReference | string;
type AnyCtx = QueryCtx | MutationCtx | ActionCtx;

/**
 * Defines, starts and watches the migrations of an app. Every method is one call of the component, in the transaction
 * of its `ctx` if that is a mutation's; none waits for a migration to be done. Where a method takes a migration, that
 * is its function or its name, "migrations:addRole". Errors are ConvexErrors with `code` and `message` among their
 * data.
 *
 * ```ts
 * export const migrations = new Migrations<DataModel>(components.migrations);
 * export const addRole = migrations.define({ table: "users", migrateOne: () => ({ role: "user" }) });
 * ```
 */
export class Migrations<
  DM extends GenericDataModel,
  Schema extends AnySchema | void = void,
  DataModel extends GenericDataModel = Schema extends AnySchema ? DataModelFromSchemaDefinition<Schema> : DM,
> {
  /** The component that keeps the jobs. */
  readonly component: ComponentApi;
  /** The options that the constructor was given. */
  readonly options: MigrationsOptions<DataModel, Schema> | undefined;

  /** @param component `components.migrations`, as convex.config.ts mounts it. */
  constructor(component: ComponentApi, options?: MigrationsOptions<DataModel, Schema>) {
    this.component = component;
    this.options = options;
  }

  /**
   * Defines a migration. Export what it returns: `npx convex run migrations:name` starts or resumes it, and takes
   * `MigrationArgs` such as `'{"dryRun": true}'`, `'{"reset": true}'` and `'{"next": ["migrations:other"]}'`. Each batch is one
   * transaction, in which it reads its documents and calls `migrateOne` for each.
   * @throws MIGRATION_ARGUMENTS when the definition cannot work
   *
   * When it runs, these errors end it, and its status then has the message:
   * @throws MIGRATION_DOCUMENT_FAILED when a document cannot be migrated
   * @throws MIGRATION_RANGE_CHANGED when the definition has another range than the one it was begun with
   * @throws MIGRATION_RANGE_UNSUPPORTED when `customRange` is one that no batch can resume in
   * @throws MIGRATION_NOT_DEFINED when it is reverted without `down` or verified without `isMigrated`
   * @throws MIGRATION_REQUIRES when a migration that it requires is not complete
   */
  define<TableName extends TableNamesInDataModel<DataModel>>(
    definition: MigrationDefinition<DataModel, TableName>,
  ): RegisteredMutation<"internal", MigrationArgs, Promise<MigrationResult>>;
  /**
   * Defines a transform: a change that is a pure function of the document. Export what it returns. The deploy that brings it
   * applies it once, and code never meets a document as it was before.
   * @throws MIGRATION_ARGUMENTS when the definition cannot work
   */
  define<TableName extends TableNamesInDataModel<DataModel>, From extends object = GenericDocument>(
    definition: TransformDefinition<DataModel, TableName, From>,
  ): Transform;
  define<TableName extends TableNamesInDataModel<DataModel>>(
    definition:
      | MigrationDefinition<DataModel, TableName>
      | TransformDefinition<DataModel, TableName, GenericDocument>,
  ): RegisteredMutation<"internal", MigrationArgs, Promise<MigrationResult>> | Transform {
    return "up" in definition ? transform(definition) : this.#migration(definition);
  }

  /**
   * Defines a transform that renames a field where it is, as in `{ table: "users", from: "name", to: "fullName" }`, also inside
   * objects and arrays, as in `from: "items[].sku"`. Export what it returns. Code sees the new name as soon as the deploy is
   * done.
   * @throws MIGRATION_ARGUMENTS when `from` is no path of a field or `to` is no name
   */
  renameField(rename: { table: TableNamesInDataModel<DataModel>; from: string; to: string }): Transform {
    return fieldRename(rename);
  }

  /**
   * Defines that a table takes another name in one step, while documents, ids and indexes stay as they are. Export what it
   * returns.
   */
  renameTable({ from, to }: { from: string; to: TableNamesInDataModel<DataModel> }): TableRename {
    return { [transformBrand]: { kind: "renameTable", from, to } };
  }

  /** Does the same as the function `waive`, which needs no instance. */
  waive(...waivers: WaiverText[]): Waivers {
    return waive(...waivers);
  }

  #migration<TableName extends TableNamesInDataModel<DataModel>>(
    definition: MigrationDefinition<DataModel, TableName>,
  ): RegisteredMutation<"internal", MigrationArgs, Promise<MigrationResult>> {
    const build =
      this.options?.internalMutation ?? (internalMutationGeneric as MutationBuilder<DataModel, "internal">);
    const plain = plainDefinition(definition, {
      isWrapped: build !== internalMutationGeneric,
      defaultBatchSize: this.options?.defaultBatchSize,
      schema: this.options?.schema,
      nameOf: (migration) => this.#nameOf(migration),
    });
    const handler = async (ctx: GenericMutationCtx<DataModel>, args: MigrationArgs): Promise<unknown> => {
      // The builder's tables are the app's; a batch knows its table by name only.
      const plainCtx = ctx as unknown as GenericMutationCtx<GenericDataModel>;
      if (args.oneBatchOnly !== true) return startItself(plainCtx, this.component, args, this.#prefixed);
      await this.#checkRequired(plainCtx, plain, args);
      return runBatch(plainCtx, plain, args);
    };
    const migration = build({ args: migrationArgs, handler });
    return plain.runOnDeploy ? onDeploy(migration, this.component, plain) : migration;
  }

  /**
   * Makes a function that starts the given migration or the given series in order. Without either, it starts the one that its
   * caller names: `npx convex run migrations:run '{"fn": "migrations:addRole"}'`. The function returns how the migration stands
   * and the commands to watch and stop it.
   * @throws MIGRATION_ARGUMENTS, when it is called, if not exactly one migration is named or an argument is out of its range
   * @throws MIGRATION_NOT_FOUND, when it is called, if there is no function of that name
   */
  runner(
    specificMigrationOrSeries?: MigrationFunctionReference | MigrationFunctionReference[],
  ): RegisteredMutation<"internal", MigrationArgs, Promise<Record<string, unknown>>> {
    const own = [specificMigrationOrSeries ?? []].flat();
    return internalMutationGeneric({
      args: migrationArgs,
      handler: async (ctx, args: MigrationArgs): Promise<Record<string, unknown>> => {
        const series = await Promise.all(own.map(targetOf));
        if (args.fn !== undefined && series.length > 0) {
          const message = "Specify only one of fn or the runner's own migration.";
          throw migrationError("MIGRATION_ARGUMENTS", message);
        }
        if (args.fn !== undefined) series.push(await targetNamed(this.#prefixed(args.fn)));
        const [first, ...rest] = series;
        if (first === undefined) {
          const message = `Specify the migration: '{"fn": "migrations:foo"}', or give the runner one of its own.`;
          throw migrationError("MIGRATION_ARGUMENTS", message);
        }
        const next = [...rest, ...(await targetsNamed(args.next, this.#prefixed))];
        return startInteractively(ctx, this.component, first, next, args);
      },
    });
  }

  /**
   * Starts or resumes a migration and runs its first batch; the other batches follow on their own. When the migration is done,
   * paused or running, it only resolves with the status. A dry run throws a ConvexError whose data has `kind: "DRY RUN"`, the
   * status that the batch would reach and what it would change, so that its transaction rolls back.
   * @throws MIGRATION_ARGUMENTS when an option is out of its range
   * @throws MIGRATION_BUSY while the migration is being reverted
   */
  async runOne(
    ctx: MutationCtx | ActionCtx,
    fnRef: MigrationFunctionReference,
    opts?: StartOptions,
  ): Promise<MigrationStatus> {
    return startMigration(ctx, this.component, await targetOf(fnRef), [], opts ?? {});
  }

  /**
   * Starts migrations one after the other. It skips those that are done and resumes a failed or cancelled one; when one
   * fails, those behind it do not run. If any of them is running, it only resolves with the status of that one.
   * Resolves with undefined for an empty list.
   * @throws MIGRATION_BUSY while the first that is not done is being reverted
   */
  async runSerially(
    ctx: MutationCtx | ActionCtx,
    fnRefs: MigrationFunctionReference[],
  ): Promise<MigrationStatus | undefined> {
    const [first, ...rest] = await Promise.all(fnRefs.map(targetOf));
    return first === undefined ? undefined : startMigration(ctx, this.component, first, rest, {});
  }

  /**
   * Tells how the given migrations stand, in their order, or without any the latest `limit` (100) that were started. A
   * migration that was never started has the state `unknown`. Reads the job of each and those of its ranges.
   */
  async getStatus(
    ctx: AnyCtx,
    { migrations, limit }: { migrations?: Migration[]; limit?: number },
  ): Promise<MigrationStatus[]> {
    const names = migrations?.map((migration) => this.#nameOf(migration));
    return ctx.runQuery(this.component.lib.getStatus, given({ names, limit }));
  }

  /** Resolves with true when the given migrations are done and no document of theirs is in quarantine. */
  async isComplete(ctx: AnyCtx, migrations: Migration | Migration[]): Promise<boolean> {
    const statuses = await this.getStatus(ctx, { migrations: [migrations].flat() });
    return statuses.every(isWhole);
  }

  /** Resolves with the latest `limit` (100) runs of a migration, latest first. */
  async getHistory(
    ctx: AnyCtx,
    migration: Migration,
    { limit }: { limit?: number } = {},
  ): Promise<RunSummary[]> {
    const name = this.#nameOf(migration);
    return ctx.runQuery(this.component.lib.getHistory, { name, ...given({ limit }) });
  }

  /**
   * Stops a migration that is in progress, at the end of its last batch. Starting it again resumes it.
   * @throws MIGRATION_NOT_FOUND when it was never started
   */
  async cancel(ctx: MutationCtx | ActionCtx, migration: Migration): Promise<MigrationStatus> {
    return ctx.runMutation(this.component.lib.cancel, { name: this.#nameOf(migration) });
  }

  /** Stops all migrations that are in progress. Resolves with the statuses of the first 100 that are not done. */
  async cancelAll(ctx: MutationCtx | ActionCtx): Promise<MigrationStatus[]> {
    return ctx.runMutation(this.component.lib.cancelAll, {});
  }

  /**
   * Stops a migration that is in progress until `resume`. Starting it again leaves it paused.
   * @throws MIGRATION_NOT_FOUND when it was never started
   */
  async pause(ctx: MutationCtx | ActionCtx, migration: Migration): Promise<MigrationStatus> {
    return ctx.runMutation(this.component.lib.pause, { name: this.#nameOf(migration) });
  }

  /**
   * Lets a paused, cancelled or failed migration go on, with the series it was started in.
   * @throws MIGRATION_NOT_FOUND when it was never started
   */
  async resume(ctx: MutationCtx | ActionCtx, migration: Migration): Promise<MigrationStatus> {
    const startedBy = await callerOf(ctx);
    return ctx.runMutation(this.component.lib.resume, { name: this.#nameOf(migration), startedBy });
  }

  /**
   * Changes how a migration runs, from its next batch on.
   * @throws MIGRATION_NOT_FOUND when it was never started
   * @throws MIGRATION_ARGUMENTS when a size or a rate is not above 0
   */
  async tune(ctx: MutationCtx | ActionCtx, migration: Migration, tuning: Tuning): Promise<MigrationStatus> {
    return ctx.runMutation(this.component.lib.tune, { name: this.#nameOf(migration), ...tuning });
  }

  /**
   * Undoes a migration with its `down`, in the background and as far as it has come.
   * @throws MIGRATION_NOT_FOUND when it was never started
   * @throws MIGRATION_BUSY while it runs
   * @throws MIGRATION_NOT_DEFINED when it has no `down`
   */
  async revert(ctx: MutationCtx | ActionCtx, migration: Migration): Promise<MigrationStatus> {
    const startedBy = await callerOf(ctx);
    return ctx.runMutation(this.component.lib.revert, { name: this.#nameOf(migration), startedBy });
  }

  /**
   * Resolves with the first `limit` (100) documents of a migration that failed and were put aside.
   * @throws MIGRATION_NOT_FOUND when it was never started
   */
  async getQuarantine(
    ctx: AnyCtx,
    migration: Migration,
    { limit }: { limit?: number } = {},
  ): Promise<QuarantinedDocument[]> {
    const name = this.#nameOf(migration);
    return ctx.runQuery(this.component.lib.getQuarantine, { name, ...given({ limit }) });
  }

  /**
   * Migrates the documents in quarantine again, 20 in this transaction and the rest in the background. Those that fail again
   * stay.
   * @throws MIGRATION_NOT_FOUND when it was never started
   * @throws MIGRATION_BUSY while it is being reverted
   */
  async retry(ctx: MutationCtx | ActionCtx, migration: Migration): Promise<RetryResult> {
    return ctx.runMutation(this.component.lib.retry, { name: this.#nameOf(migration) });
  }

  /** Starts a rehearsal of the whole migration in the background, which rolls each batch back. `getChecks` has the findings. */
  async rehearse(ctx: MutationCtx | ActionCtx, fnRef: MigrationFunctionReference): Promise<CheckStatus> {
    return startCheck(ctx, this.component, await targetOf(fnRef), "rehearse", undefined);
  }

  /** Starts to look for documents that `isMigrated` does not accept, in the background. `getChecks` has the findings. */
  async verify(ctx: MutationCtx | ActionCtx, fnRef: MigrationFunctionReference): Promise<CheckStatus> {
    return startCheck(ctx, this.component, await targetOf(fnRef), "verify", undefined);
  }

  /** Resolves with the latest rehearsal and the latest verification of a migration, as far as there are any. */
  async getChecks(ctx: AnyCtx, migration: Migration): Promise<CheckStatus[]> {
    return ctx.runQuery(this.component.lib.getChecks, { name: this.#nameOf(migration) });
  }

  /** @throws MIGRATION_REQUIRES when a run begins before the migrations that it requires are complete */
  async #checkRequired(
    ctx: GenericMutationCtx<GenericDataModel>,
    { requires }: PlainDefinition,
    { job, dryRun }: MigrationArgs,
  ): Promise<void> {
    const begins = job === undefined ? dryRun !== true : job.kind === "migrate" && job.first === true;
    if (requires.length === 0 || !begins) return;
    const statuses = await this.getStatus(ctx, { migrations: [...requires] });
    const missing = statuses.filter((status) => !isWhole(status)).map(({ name }) => name);
    if (missing.length === 0) return;
    const message = `It requires ${missing.join(", ")} to be complete; run that first.`;
    throw migrationError("MIGRATION_REQUIRES", message, { missing });
  }

  #nameOf(migration: Migration): string {
    return typeof migration === "string" ? this.#prefixed(migration) : getFunctionName(migration);
  }

  /** The full name of a migration that is named without its file. */
  readonly #prefixed = (name: string): string => {
    const prefix = this.options?.migrationsLocationPrefix;
    return prefix !== undefined && !name.includes(":") ? prefix + name : name;
  };
}

/** Whether a migration is done and no document of it is in quarantine. */
function isWhole({ isDone, failed }: MigrationStatus): boolean {
  return isDone && (failed ?? 0) === 0;
}
