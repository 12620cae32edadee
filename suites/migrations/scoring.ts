/** The app of the compatibility suites: two migrations, and runners of every kind. */
import { functionNamed, openApp, type App, type Library } from "./app.js";

/** An app with a migration that gives every user a score, and fails on the user named by `failOn`. */
export function scoring(
  library: Library,
  options: { failOn?: string; batchSize?: number } = {},
): App & { failOn: { name?: string | undefined } } {
  const failOn: { name?: string | undefined } = { name: options.failOn };
  const app = openApp(library, (migrations) => ({
    score: migrations.define({
      table: "users",
      batchSize: options.batchSize,
      migrateOne: async (ctx, user) => {
        if (user.name === failOn.name) throw new Error("cannot score");
        await ctx.db.patch(user._id, { times: (user.times ?? 0) + 1 });
      },
    }),
    plan: migrations.define({ table: "users", migrateOne: () => ({ plan: "basic" }) }),
    run: migrations.runner(),
    runScore: migrations.runner(functionNamed("score")),
    runBoth: migrations.runner([functionNamed("score"), functionNamed("plan")]),
  }));
  return { ...app, failOn };
}
