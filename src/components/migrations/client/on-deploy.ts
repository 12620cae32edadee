/**
 * Migrations that a deploy starts. A database that knows them finds them by their brand among the exports of modules, and
 * starts, watches and ends them through it, in transactions of its own with a `ctx` of the app.
 */
import { migrationBrand, type DeployMigration } from "../../../seams/index.js";
import type { ComponentApi } from "../component/_generated/component.js";
import type { MutationCtx, QueryCtx } from "./contexts.js";
import type { PlainDefinition } from "./definition.js";
import { targetNamed } from "./starter.js";

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
    start: async (ctx: MutationCtx, name) =>
      ctx.runMutation(component.lib.migrate, {
        ...(await targetNamed(name)),
        dryRun: false,
        startedBy: "deploy",
      }),
    status: (ctx: QueryCtx | MutationCtx, names) =>
      ctx.runQuery(component.lib.getStatus, { names: [...names] }),
    cancel: (ctx: MutationCtx, name) => ctx.runMutation(component.lib.cancel, { name }),
  };
  return Object.assign(migration, { [migrationBrand]: offered });
}
