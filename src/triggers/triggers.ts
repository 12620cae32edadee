/**
 * `Triggers`: the registrations of an app. On Trueup an app exports its instance and the database runs it
 * below every writer; elsewhere `wrapDB` does so for the mutations that use it. An instance holds no state
 * of a transaction: that lives in what `wrapDB` returns.
 */
import type {
  GenericDatabaseWriter,
  GenericDataModel,
  GenericMutationCtx,
  TableNamesInDataModel,
} from "convex/server";
import { triggersBrand } from "../seams/index.js";
import { TriggerRun } from "./trigger-run.js";
import { alreadyRuns, wrapDatabase, type Trigger, type Wrapping, type Writer } from "./wrapped-database.js";

/** The triggers of each table, in the order of registration. */
export type RegisteredTriggers<Ctx, DataModel extends GenericDataModel> = {
  [TableName in TableNamesInDataModel<DataModel>]?: Trigger<Ctx, DataModel, TableName>[];
};

/** A customization as `customMutation` of convex-helpers takes it; see `Triggers.customization`. */
export interface TriggerCustomization<Ctx extends { db: object }> {
  args: Record<never, never>;
  /** Gives the function a `ctx.db` that runs the triggers. */
  input: (ctx: Ctx) => Promise<{
    ctx: { db: Ctx["db"] };
    args: Record<never, never>;
    /** Throws when a trigger has failed and the function swallowed the error. */
    onSuccess: () => void;
  }>;
}

/**
 * Functions to run when documents of a table are inserted, updated or deleted. They run in the transaction of the write.
 *
 * ```ts
 * const triggers = new Triggers<DataModel>();
 * triggers.register("users", async (ctx, change) => {
 *   if (change.operation === "delete") await ctx.db.insert("farewells", { user: change.id });
 * });
 * export const mutation = customMutation(rawMutation, customCtx(triggers.wrapDB));
 * ```
 */
export class Triggers<
  DataModel extends GenericDataModel,
  Ctx extends { db: GenericDatabaseWriter<DataModel> } = GenericMutationCtx<DataModel>,
> {
  /** The triggers of each table, in the order of registration. */
  registered: RegisteredTriggers<Ctx, DataModel> = {};

  /** The registrations, for the database that runs them itself. */
  get [triggersBrand](): { registered: RegisteredTriggers<Ctx, DataModel> } {
    return { registered: this.registered };
  }

  /** Runs `trigger` after every write to a document of `tableName`, after those registered before it. */
  register<TableName extends TableNamesInDataModel<DataModel>>(
    tableName: TableName,
    trigger: Trigger<Ctx, DataModel, TableName>,
  ): void {
    const triggers: Trigger<Ctx, DataModel, TableName>[] = this.registered[tableName] ?? [];
    triggers.push(trigger);
    this.registered[tableName] = triggers;
  }

  /**
   * The ctx with a `db` whose writes run the triggers. Returns `ctx` unchanged when its database runs them
   * already: on Trueup, or because the ctx has been through here before.
   *
   * When a trigger throws, the write that caused it rejects, and so does every later use of this `db`, also if the
   * error was caught. On Trueup the mutation then fails whatever it returns. On Convex Cloud it fails if it uses this `db` once
   * more; `customization` also covers a mutation that catches the error and returns at once.
   *
   * A write to a table with triggers reads the document once more for an insert or a delete and twice more for a patch or a
   * replace. A write to any other table costs nothing more.
   * @throws TRIGGERS_TOO_DEEP, as a ConvexError, when triggers set each other off without end
   */
  readonly wrapDB: <C extends Ctx>(ctx: C) => C = (ctx) => this.#wrap(ctx, new TriggerRun(false));

  /**
   * Does the same as `wrapDB`, as a customization for `customMutation(rawMutation, triggers.customization)` of
   * convex-helpers. It also looks once more when the handler has returned, so that a mutation in which a trigger failed
   * always fails.
   */
  readonly customization: TriggerCustomization<Ctx> = {
    args: {},
    input: (ctx) => {
      const run = new TriggerRun(true);
      const { db } = this.#wrap(ctx, run);
      return Promise.resolve({ ctx: { db }, args: {}, onSuccess: () => run.assertSound() });
    },
  };

  #wrap<C extends Ctx>(ctx: C, run: TriggerRun): C {
    return alreadyRuns(ctx.db, this) ? ctx : { ...ctx, db: writerOn(ctx, ctx.db, this, run) };
  }
}

/**
 * Returns `innerDb` with the triggers around its writes, which is what `wrapDB` puts in place of `ctx.db`. The triggers
 * receive `ctx`, with `db` and `innerDb` of their own. Errors and cost are those of `wrapDB`.
 */
export function writerWithTriggers<
  DataModel extends GenericDataModel,
  Ctx extends { db: GenericDatabaseWriter<DataModel> } = GenericMutationCtx<DataModel>,
>(
  ctx: Ctx,
  innerDb: GenericDatabaseWriter<DataModel>,
  triggers: Triggers<DataModel, Ctx>,
): GenericDatabaseWriter<DataModel> {
  return writerOn(ctx, innerDb, triggers, new TriggerRun(false));
}

function writerOn<Db extends object>(
  ctx: object,
  innerDb: Db,
  triggers: { registered: object },
  run: TriggerRun,
): Db {
  // The wrapper speaks of tables by name at run time; only the types know the app's data model.
  const registered = triggers.registered as Record<string, ReturnType<Wrapping["triggersOf"]> | undefined>;
  const writer = innerDb as unknown as Writer;
  const wrapping: Wrapping = {
    innerDb: writer,
    run,
    owner: triggers,
    triggersOf: (table) => registered[table] ?? [],
    tables: () => Object.keys(registered),
    contextFor: (db) => ({ ...ctx, db, innerDb: writer }),
  };
  return wrapDatabase(wrapping) as unknown as Db;
}
