/**
 * `Migrations`: an app's migrations and the component that keeps their jobs. `define` makes a function that
 * goes through a table; the other methods start, watch and stop such functions. All progress lives in the
 * component, so any copy of this class may do any of it.
 */
import {
  getFunctionName,
  internalMutationGeneric,
  makeFunctionReference,
  type DataModelFromSchemaDefinition,
  type GenericDataModel,
  type GenericMutationCtx,
  type GenericSchema,
  type MutationBuilder,
  type RegisteredMutation,
  type SchemaDefinition,
  type TableNamesInDataModel,
} from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import type { RunSummary } from "../component/history.js";
import { migrationError } from "../failures.js";
import {
  migrationArgs,
  type MigrationArgs,
  type MigrationResult,
  type MigrationStatus,
} from "../protocol.js";
import { runBatch } from "./batch.js";
import type { ActionCtx, MutationCtx, QueryCtx } from "./contexts.js";
import type { MigrationDefinition, MigrationFunctionReference, PlainDefinition } from "./definition.js";
import { oneOffCursor } from "./one-off.js";
import {
  startInteractively,
  startMigration,
  targetNamed,
  targetOf,
  type StartOptions,
  type Target,
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
   * Throws, when it runs, the errors of `runBatch`.
   */
  define<TableName extends TableNamesInDataModel<DataModel>>(
    definition: MigrationDefinition<DataModel, TableName>,
  ): RegisteredMutation<"internal", MigrationArgs, Promise<MigrationResult>> {
    const plain = this.#plain(definition);
    const build =
      this.options?.internalMutation ?? (internalMutationGeneric as MutationBuilder<DataModel, "internal">);
    const handler = async (ctx: GenericMutationCtx<DataModel>, args: MigrationArgs): Promise<unknown> => {
      // The builder's tables are the app's; a batch knows its table by name only.
      const plainCtx = ctx as unknown as GenericMutationCtx<GenericDataModel>;
      if (args.oneBatchOnly !== true) return this.#startItself(plainCtx, args);
      return runBatch(plainCtx, plain, { ...args, ...oneOffCursor(args) });
    };
    return build({ args: migrationArgs, handler });
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
        return startInteractively(
          ctx,
          this.component,
          first,
          [...rest, ...(await this.#named(args.next))],
          args,
        );
      },
    });
  }

  /**
   * Starts or resumes a migration and runs its first batch; the others follow on their own. Nothing happens
   * when it is done; when it is running, resolves with its status. A dry run throws a ConvexError of kind
   * "DRY RUN", so that its transaction rolls back.
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
    ctx: QueryCtx | MutationCtx | ActionCtx,
    { migrations, limit }: { migrations?: (string | MigrationFunctionReference)[]; limit?: number },
  ): Promise<MigrationStatus[]> {
    return ctx.runQuery(this.component.lib.getStatus, {
      ...(migrations === undefined ? {} : { names: migrations.map((migration) => this.#nameOf(migration)) }),
      ...(limit === undefined ? {} : { limit }),
    });
  }

  /** The latest runs of a migration, latest first. */
  async getHistory(
    ctx: QueryCtx | MutationCtx | ActionCtx,
    migration: string | MigrationFunctionReference,
    { limit }: { limit?: number } = {},
  ): Promise<RunSummary[]> {
    const name = this.#nameOf(migration);
    return ctx.runQuery(this.component.lib.getHistory, { name, ...(limit === undefined ? {} : { limit }) });
  }

  /** Stops a migration at the end of its last batch; starting it again resumes it. Throws MIGRATION_NOT_FOUND. */
  async cancel(
    ctx: MutationCtx | ActionCtx,
    migration: MigrationFunctionReference | string,
  ): Promise<MigrationStatus> {
    return ctx.runMutation(this.component.lib.cancel, { name: this.#nameOf(migration) });
  }

  /** Stops all migrations in progress; resolves with the status of the first 100 that are not done. */
  async cancelAll(ctx: MutationCtx | ActionCtx): Promise<MigrationStatus[]> {
    return ctx.runMutation(this.component.lib.cancelAll, {});
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
    const itself = await targetOf(
      makeFunctionReference<"mutation">(name) as unknown as MigrationFunctionReference,
    );
    return startInteractively(ctx, this.component, itself, await this.#named(args.next), args);
  }

  #plain<TableName extends TableNamesInDataModel<DataModel>>(
    definition: MigrationDefinition<DataModel, TableName>,
  ): PlainDefinition {
    const { table, migrateOne, customRange, batchSize, parallelize } = definition;
    return {
      table,
      migrateOne: migrateOne as unknown as PlainDefinition["migrateOne"],
      customRange,
      batchSize: batchSize ?? this.options?.defaultBatchSize,
      parallelize: parallelize === true,
      schema: this.options?.schema as PlainDefinition["schema"],
    };
  }

  #named(names: string[] | undefined): Promise<Target[]> {
    return Promise.all((names ?? []).map((name) => targetNamed(this.#prefixed(name))));
  }

  #nameOf(migration: string | MigrationFunctionReference): string {
    return typeof migration === "string" ? this.#prefixed(migration) : getFunctionName(migration);
  }

  #prefixed(name: string): string {
    const prefix = this.options?.migrationsLocationPrefix;
    return prefix !== undefined && !name.includes(":") ? prefix + name : name;
  }
}
