import { afterAll, beforeAll, expect, test } from "vitest";
import { CliApp, type CliResult } from "./setup/cli-app.js";

/** One document cannot be migrated until the environment says that it is mended. */
const app = new CliApp({
  "convex/convex.config.ts": `
import { defineApp } from "convex/server";
import migrations from "trueup/migrations/convex.config";
const app = defineApp();
app.use(migrations);
export default app;
`,
  "convex/users.ts": `
import { mutationGeneric as mutation } from "convex/server";
export const fill = mutation(async (ctx) => {
  for (let n = 0; n < 200; n++) await ctx.db.insert("users", { n });
});
`,
  "convex/migrations.ts": `
import { componentsGeneric } from "convex/server";
import { Migrations } from "trueup/migrations";
const migrations = new Migrations(componentsGeneric().migrations as any);
export const addRole = migrations.define({
  table: "users",
  isMigrated: (user) => user.role !== undefined,
  migrateOne: (_ctx, user) => {
    if (user.n === 3 && process.env.MENDED === undefined) throw new Error("no role for 3");
    return { role: "user" };
  },
  down: () => ({ role: undefined }),
});
export const oneWay = migrations.define({ table: "users", migrateOne: () => {} });
`,
});

beforeAll(async () => {
  await app.run(["dev", "--once", "--port", "0"]);
  await app.run(["run", "users:fill"]);
});
afterAll(() => app.remove());

function migrate(...args: string[]): Promise<CliResult> {
  return app.run(["migrations", ...args]);
}

test("a migration is rehearsed, run, retried, verified and undone from the command line", async () => {
  const rehearsed = await migrate("run", "addRole", "--dry-run", "--full", "--json");
  expect(JSON.parse(rehearsed.stdout)).toMatchObject({
    kind: "rehearse",
    failed: 1,
    findings: { changed: 199 },
  });
  expect(rehearsed.code).toBe(2);

  expect((await migrate("run", "addRole", "--dry-run")).code).toBe(2);

  const stopped = await migrate("run", "addRole");
  expect(stopped).toMatchObject({ code: 1, stderr: expect.stringContaining("no role for 3") });

  const through = await migrate("run", "addRole", "--on-error", "quarantine", "--json");
  expect(JSON.parse(through.stdout)).toMatchObject({ state: "success", processed: 200, failed: 1 });
  expect(through).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("trueup migrations retry migrations:addRole"),
  });

  const verified = await migrate("verify", "addRole", "--json");
  expect(JSON.parse(verified.stdout)).toMatchObject({ kind: "verify", findings: { violated: 1 } });
  expect(verified.code).toBe(2);

  const retried = await app.run(["migrations", "retry", "addRole"], { MENDED: "1" });
  expect(retried).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("migrations:addRole done 200/200"),
  });

  const history = JSON.parse((await migrate("history", "addRole", "--json")).stdout) as object[];
  expect(history).toMatchObject([{ outcome: "done" }, { outcome: "failed" }]);

  expect(await migrate("revert", "addRole")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("reverted"),
  });
}, 60_000);

test("a name that is none, and a number that is none, are said", async () => {
  expect(await migrate("pause", "nope")).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error MIGRATION_NOT_FOUND: /m),
  });
  expect(await migrate("tune", "addRole", "--rate", "0")).toMatchObject({ code: 64 });
});

test("what a definition does not have is refused, and leaves the migration as it was", async () => {
  expect((await migrate("run", "oneWay")).code).toBe(0);
  expect(await migrate("revert", "oneWay")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("no `down`"),
  });
  expect(await migrate("verify", "oneWay")).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("no `isMigrated`"),
  });
  const rows = JSON.parse((await migrate("--json")).stdout) as object[];
  expect(rows).toContainEqual(expect.objectContaining({ name: "migrations:oneWay", state: "success" }));
});
