/**
 * `Migrations`: an app's migrations and the component that keeps their jobs. `define` makes a function that
 * goes through a table, or a transform that a deploy applies; the other methods start, watch and steer such
 * functions. All progress lives in the component, so any copy of this class may do any of it.
 */
import {
  getFunctionName,
  internalMutationGeneric,
  makeFunctionReference,
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
  type Target,
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
  startMigration,
  targetNamed,
  targetOf,
  type ActionCtx,
  type MutationCtx,
  type QueryCtx,
  type StartOptions,
} from "./starter.js";

/** Options of `new Migrations`. */
export interface MigrationsOptions<DataModel extends GenericDataModel, Schema> {
  /** The builder of migration functions; also supplies the types of the app's tables. */
  internalMutation?: MutationBuilder<DataModel, "internal"> | undefined;
  /** Prescribes the batch size of definitions that do not. */
  defaultBatchSize?: number | undefined;
  /** Put before names without a file: with "bar/baz:", "foo" means "bar/baz:foo". */
  migrationsLocationPrefix?: string | undefined;
  /** The app's schema: tells the fields of an index, so that a batch can begin behind any document of it. */
  schema?: Schema | undefined;
}

type AnySchema = SchemaDefinition<GenericSchema, boolean>;
/** A migration by its function, or by its name: "migrations:foo". */
type Migration = MigrationFunctionReference | string;
type AnyCtx = QueryCtx | MutationCtx | ActionCtx;

/** Defines, starts and watches the migrations of an app. */
export class Migrations<
  DM extends GenericDataModel,
  Schema extends AnySchema | void = void,
  DataModel extends GenericDataModel = Schema extends AnySchema ? DataModelFromSchemaDefinition<Schema> : DM,
> {
  readonly component: ComponentApi;
  readonly options: MigrationsOptions<DataModel, Schema> | undefined;

  /** @param component `components.migrations`, as convex.config.ts mounts it. */
  constructor(component: ComponentApi, options?: MigrationsOptions<DataModel, Schema>) {
    this.component = component;
    this.options = options;
  }

  /**
   * A migration. Export what it returns; `npx convex run migrations:name` starts or resumes it, and
   * `'{"dryRun": true}'`, `'{"reset": true}'`, `'{"next": ["migrations:other"]}'` do what they say.
   * Throws MIGRATION_ARGUMENTS for a definition that cannot work; when it runs, the errors of `runBatch`,
   * and MIGRATION_REQUIRES.
   */
  define<TableName extends TableNamesInDataModel<DataModel>>(
    definition: MigrationDefinition<DataModel, TableName>,
  ): RegisteredMutation<"internal", MigrationArgs, Promise<MigrationResult>>;
  /**
   * A transform: a change that is a pure function of the document. Export what it returns; the deploy that brings it applies
   * it, once, and code never meets a document as it was before. Throws MIGRATION_ARGUMENTS.
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
   * A transform that renames a field where it is: `{ table: "users", from: "name", to: "fullName" }`, also inside objects and
   * arrays: `from: "items[].sku"`. Code sees the new name at once. Throws MIGRATION_ARGUMENTS.
   */
  renameField(rename: { table: TableNamesInDataModel<DataModel>; from: string; to: string }): Transform {
    return fieldRename(rename);
  }

  /** The table takes another name in one step; documents, ids and indexes stay as they are. */
  renameTable({ from, to }: { from: string; to: TableNamesInDataModel<DataModel> }): TableRename {
    return { [transformBrand]: { kind: "renameTable", from, to } };
  }

  /** The same as the function `waive`, which needs no instance. */
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
      if (args.oneBatchOnly !== true) return this.#startItself(plainCtx, args);
      await this.#checkRequired(plainCtx, plain, args);
      return runBatch(plainCtx, plain, args);
    };
    const migration = build({ args: migrationArgs, handler });
    return plain.runOnDeploy ? onDeploy(migration, this.component, plain) : migration;
  }

  /**
   * A function that starts the given migration, the given series in order, or, with none given, the one it
   * is told: `npx convex run migrations:run '{"fn": "migrations:addRole"}'`. Resolves with how it stands and
   * the commands to watch and stop it. Throws MIGRATION_ARGUMENTS and MIGRATION_NOT_FOUND.
   */
  runner(
    specificMigrationOrSeries?: MigrationFunctionReference | MigrationFunctionReference[],
  ): RegisteredMutation<"internal", MigrationArgs, Promise<Record<string, unknown>>> {
    const given = [specificMigrationOrSeries ?? []].flat();
    return internalMutationGeneric({
      args: migrationArgs,
      handler: async (ctx, args: MigrationArgs): Promise<Record<string, unknown>> => {
        const series = await Promise.all(given.map(targetOf));
        if (args.fn !== undefined && series.length > 0) {
          throw migrationError(
            "MIGRATION_ARGUMENTS",
            "Specify only one of fn or the runner's own migration.",
          );
        }
        if (args.fn !== undefined) series.push(await targetNamed(this.#prefixed(args.fn)));
        const [first, ...rest] = series;
        if (first === undefined) {
          const message = `Specify the migration: '{"fn": "migrations:foo"}', or give the runner one of its own.`;
          throw migrationError("MIGRATION_ARGUMENTS", message);
        }
        const next = [...rest, ...(await this.#named(args.next))];
        return startInteractively(ctx, this.component, first, next, args);
      },
    });
  }

  /**
   * Starts or resumes a migration and runs its first batch; the others follow on their own. Nothing happens
   * when it is done or paused; when it is running, resolves with its status. A dry run throws a ConvexError
   * of kind "DRY RUN", so that its transaction rolls back.
   */
  async runOne(
    ctx: MutationCtx | ActionCtx,
    fnRef: MigrationFunctionReference,
    opts?: StartOptions,
  ): Promise<MigrationStatus> {
    return startMigration(ctx, this.component, await targetOf(fnRef), [], opts ?? {});
  }

  /**
   * Starts migrations one after the other: those that are done are skipped, a failed or cancelled one is
   * resumed, and when one fails those behind it do not run. If any is running, resolves with its status.
   */
  async runSerially(
    ctx: MutationCtx | ActionCtx,
    fnRefs: MigrationFunctionReference[],
  ): Promise<MigrationStatus | undefined> {
    const [first, ...rest] = await Promise.all(fnRefs.map(targetOf));
    return first === undefined ? undefined : startMigration(ctx, this.component, first, rest, {});
  }

  /** How the given migrations stand, in their order; without any, the latest `limit` (100). */
  async getStatus(
    ctx: AnyCtx,
    { migrations, limit }: { migrations?: Migration[]; limit?: number },
  ): Promise<MigrationStatus[]> {
    return ctx.runQuery(this.component.lib.getStatus, {
      ...given({ names: migrations?.map((migration) => this.#nameOf(migration)), limit }),
    });
  }

  /** True when the given migrations are done and no document of theirs is in quarantine. */
  async isComplete(ctx: AnyCtx, migrations: Migration | Migration[]): Promise<boolean> {
    const statuses = await this.getStatus(ctx, { migrations: [migrations].flat() });
    return statuses.every(({ isDone, failed }) => isDone && (failed ?? 0) === 0);
  }

  /** The latest runs of a migration, latest first. */
  async getHistory(
    ctx: AnyCtx,
    migration: Migration,
    { limit }: { limit?: number } = {},
  ): Promise<RunSummary[]> {
    const name = this.#nameOf(migration);
    return ctx.runQuery(this.component.lib.getHistory, { name, ...given({ limit }) });
  }

  /** Stops a migration at the end of its last batch; starting it again resumes it. Throws MIGRATION_NOT_FOUND. */
  async cancel(ctx: MutationCtx | ActionCtx, migration: Migration): Promise<MigrationStatus> {
    return ctx.runMutation(this.component.lib.cancel, { name: this.#nameOf(migration) });
  }

  /** Stops all migrations in progress; resolves with the status of the first 100 that are not done. */
  async cancelAll(ctx: MutationCtx | ActionCtx): Promise<MigrationStatus[]> {
    return ctx.runMutation(this.component.lib.cancelAll, {});
  }

  /** Stops a migration until `resume`: starting it leaves it paused. Throws MIGRATION_NOT_FOUND. */
  async pause(ctx: MutationCtx | ActionCtx, migration: Migration): Promise<MigrationStatus> {
    return ctx.runMutation(this.component.lib.pause, { name: this.#nameOf(migration) });
  }

  /** Lets a paused, cancelled or failed migration go on, with the series it was started in. */
  async resume(ctx: MutationCtx | ActionCtx, migration: Migration): Promise<MigrationStatus> {
    const startedBy = await callerOf(ctx);
    return ctx.runMutation(this.component.lib.resume, { name: this.#nameOf(migration), startedBy });
  }

  /** Changes how a migration runs, from its next batch on. Throws MIGRATION_NOT_FOUND. */
  async tune(ctx: MutationCtx | ActionCtx, migration: Migration, tuning: Tuning): Promise<MigrationStatus> {
    return ctx.runMutation(this.component.lib.tune, { name: this.#nameOf(migration), ...tuning });
  }

  /** Undoes a migration with its `down`, in the background and as far as it has come. Throws MIGRATION_BUSY. */
  async revert(ctx: MutationCtx | ActionCtx, migration: Migration): Promise<MigrationStatus> {
    const startedBy = await callerOf(ctx);
    return ctx.runMutation(this.component.lib.revert, { name: this.#nameOf(migration), startedBy });
  }

  /** The documents of a migration that failed and were put aside, the first `limit` (100). */
  async getQuarantine(
    ctx: AnyCtx,
    migration: Migration,
    { limit }: { limit?: number } = {},
  ): Promise<QuarantinedDocument[]> {
    const name = this.#nameOf(migration);
    return ctx.runQuery(this.component.lib.getQuarantine, {
      name,
      ...given({ limit }),
    });
  }

  /** Migrates the documents in quarantine again; those that fail again stay. */
  async retry(ctx: MutationCtx | ActionCtx, migration: Migration): Promise<RetryResult> {
    return ctx.runMutation(this.component.lib.retry, { name: this.#nameOf(migration) });
  }

  /** Rehearses the whole migration in the background and rolls each batch back; `getChecks` has the findings. */
  async rehearse(ctx: MutationCtx | ActionCtx, fnRef: MigrationFunctionReference): Promise<CheckStatus> {
    return startCheck(ctx, this.component, await targetOf(fnRef), "rehearse", undefined);
  }

  /** Looks for documents that `isMigrated` does not accept, in the background; `getChecks` has the findings. */
  async verify(ctx: MutationCtx | ActionCtx, fnRef: MigrationFunctionReference): Promise<CheckStatus> {
    return startCheck(ctx, this.component, await targetOf(fnRef), "verify", undefined);
  }

  /** The latest rehearsal and the latest verification of a migration, as far as there are. */
  async getChecks(ctx: AnyCtx, migration: Migration): Promise<CheckStatus[]> {
    return ctx.runQuery(this.component.lib.getChecks, { name: this.#nameOf(migration) });
  }

  /** What a migration function does when a person or a deploy script calls it. */
  async #startItself(
    ctx: GenericMutationCtx<GenericDataModel>,
    args: MigrationArgs,
  ): Promise<Record<string, unknown> | null> {
    if (args.cursor === "" || args.batchSize === 0) {
      console.warn("Running this by hand? Pass these arguments:");
      console.warn({ "Dry run": '{ "dryRun": true, "reset": true }', "For real": "{}" });
      return null;
    }
    const { name, componentPath } = await ctx.meta.getFunctionMetadata();
    if (args.fn !== undefined && this.#prefixed(args.fn) !== name) {
      const component = componentPath === "" ? "" : ` --component ${componentPath}`;
      const hint = `call it directly with \`npx convex run ${name}${component}\``;
      throw migrationError(
        "MIGRATION_ARGUMENTS",
        `Function name mismatch: expected ${name}, got ${args.fn}. Hint: ${hint}.`,
      );
    }
    const itself = makeFunctionReference<"mutation">(name) as unknown as MigrationFunctionReference;
    const next = await this.#named(args.next);
    return startInteractively(ctx, this.component, await targetOf(itself), next, args);
  }

  /** Throws MIGRATION_REQUIRES when a run begins before the migrations it requires are complete. */
  async #checkRequired(
    ctx: GenericMutationCtx<GenericDataModel>,
    { requires }: PlainDefinition,
    { job, dryRun }: MigrationArgs,
  ): Promise<void> {
    const begins = job === undefined ? dryRun !== true : job.kind === "migrate" && job.first === true;
    if (requires.length === 0 || !begins) return;
    const statuses = await this.getStatus(ctx, { migrations: [...requires] });
    const missing = statuses
      .filter(({ isDone, failed }) => !isDone || (failed ?? 0) > 0)
      .map(({ name }) => name);
    if (missing.length === 0) return;
    const message = `It requires ${missing.join(", ")} to be complete; run that first.`;
    throw migrationError("MIGRATION_REQUIRES", message, { missing });
  }

  #named(names: string[] | undefined): Promise<Target[]> {
    return Promise.all((names ?? []).map((name) => targetNamed(this.#prefixed(name))));
  }

  #nameOf(migration: Migration): string {
    return typeof migration === "string" ? this.#prefixed(migration) : getFunctionName(migration);
  }

  #prefixed(name: string): string {
    const prefix = this.options?.migrationsLocationPrefix;
    return prefix !== undefined && !name.includes(":") ? prefix + name : name;
  }
}
