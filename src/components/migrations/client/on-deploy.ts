/**
 * Migrations that a deploy starts. A database that knows them finds them by their brand among the exports of modules, and
 * starts, watches and ends them through it, in transactions of its own with a `ctx` of the app.
 */
import type { ComponentApi } from "../component/_generated/component.js";
import type { MigrationStatus } from "../status.js";
import type { MutationCtx, QueryCtx } from "./contexts.js";
import type { PlainDefinition } from "./definition.js";
import { targetNamed } from "./starter.js";

/** By this property a database recognises migrations to be started by a deploy, also those of another copy of this module. */
export const migrationBrand: unique symbol = Symbol.for("trueup.migration");

/** What a database is offered of such a migration, whose name is "module:export". */
export interface DeployMigration {
  readonly table: string;
  /** Names of migrations that must be complete before. */
  readonly requires: readonly string[];
  /** Set when it takes documents of either shape, in place of a migration that is not complete. */
  readonly takesUnmigrated?: boolean;
  /** The reference to the component that keeps its job. */
  readonly component: ComponentApi;
  /** Starts or resumes it and runs its first batch; nothing happens when it is done, paused or running. */
  start(ctx: MutationCtx, name: string): Promise<MigrationStatus>;
  status(ctx: QueryCtx | MutationCtx, names: readonly string[]): Promise<MigrationStatus[]>;
  /** Ends it where it stands. */
  cancel(ctx: MutationCtx, name: string): Promise<unknown>;
}

/** The same function, to be recognised. */
export function onDeploy<Migration extends object>(
  migration: Migration,
  component: ComponentApi,
  { table, requires, takesUnmigrated }: PlainDefinition,
): Migration {
  const offered: DeployMigration = {
    table,
    requires,
    ...(takesUnmigrated ? { takesUnmigrated } : {}),
    component,
    start: async (ctx, name) =>
      ctx.runMutation(component.lib.migrate, {
        ...(await targetNamed(name)),
        dryRun: false,
        startedBy: "deploy",
      }),
    status: (ctx, names) => ctx.runQuery(component.lib.getStatus, { names: [...names] }),
    cancel: (ctx, name) => ctx.runMutation(component.lib.cancel, { name }),
  };
  return Object.assign(migration, { [migrationBrand]: offered });
}
