import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { destroying, needing, PlanApp, removePlanApps, safe, schema, teams } from "./setup/plan-app.js";

afterAll(removePlanApps);

let app: PlanApp;
beforeEach(() => {
  app = new PlanApp({ "convex/schema.ts": teams, ".gitignore": ".trueup\n" });
});

describe("in a git repository, without a server and without data", () => {
  test.each([
    ["a safe change", safe, 0],
    ["a change that needs a migration", needing, 2],
    ["a destructive change", destroying, 3],
    ["no change", teams, 0],
  ])("the exit code of %s is its verdict's", async (_what, after, code) => {
    const commit = app.commit();
    app.write({ "convex/schema.ts": after });
    const run = await app.run(["plan"]);
    expect(run.stderr).toBe("");
    expect(run.code).toBe(code);
    expect(run.stdout).toContain(`Compared with HEAD (${commit.slice(0, 12)}).`);
  });

  test("it tells a person the changes, the violations' rules and both ways to deploy", async () => {
    app.commit();
    app.write({ "convex/schema.ts": needing });
    const { stdout } = await app.run(["plan"]);
    expect(stdout).toContain("1 change: 0 safe, 1 that needs a migration, 0 destructive.");
    expect(stdout).toContain("  teams.seats  field-added-required: v.float64()");
    expect(stdout).toContain(
      "In one deploy, on Trueup\n  1. Deploy the new schema together with addSeatsToTeams",
    );
    expect(stdout).toContain("In several deploys, on Convex Cloud\n  1. Deploy the widened schema");
    expect(stdout).not.toContain("\u001b");
    expect((await app.run(["plan"], true)).stdout).toContain("\u001b");
  });

  test("the JSON document has the verdict, the changes, the migrations, the steps and the widened schema", async () => {
    const commit = app.commit();
    app.write({ "convex/schema.ts": needing });
    expect(await app.plan()).toMatchObject({
      verdict: "needsMigration",
      exitCode: 2,
      from: { kind: "git", ref: "HEAD", commit },
      app: {
        verdict: "needsMigration",
        changes: [
          { rule: "field-added-required", tableName: "teams", path: ".seats", waiver: "data-already-fits" },
        ],
        migrations: [{ name: "addSeatsToTeams", covers: ["teams.seats"], unresolved: [] }],
        oneDeploy: [{ kind: "deploy" }],
        severalDeploys: [{ kind: "widen" }, { kind: "migrate" }, { kind: "narrow" }],
        data: [],
      },
      components: {},
      unmounted: [],
      widenedSource: expect.stringContaining("seats: v.optional(v.number())"),
      written: null,
    });
  });

  test("a branch, a tag or a commit is what --from names, wherever the app stands", async () => {
    const first = app.commit();
    app.git("tag", "v1");
    app.write({ "convex/schema.ts": needing });
    app.commit();
    app.git("branch", "feature");
    expect((await app.run(["plan"])).code).toBe(0);
    for (const ref of ["v1", first, "HEAD~1"]) expect((await app.run(["plan", "--from", ref])).code).toBe(2);
    expect((await app.run(["plan", "--from", "feature"])).code).toBe(0);
  });

  test("without --from it is the remote's default branch, which is what is deployed", async () => {
    app.commit();
    app.git("update-ref", "refs/remotes/origin/main", "HEAD");
    app.write({ "convex/schema.ts": needing });
    app.commit();
    expect(await app.plan()).toMatchObject({ exitCode: 2, from: { ref: "origin/main" } });
  });

  test("what the schema imports is as it was in the commit, from the whole repository", async () => {
    const imports = 'import { plan } from "./types/plan";\nimport { size } from "../shared/size.js";';
    app.write({
      "convex/schema.ts": schema("teams: defineTable({ plan, size })", imports),
      "convex/types/plan.ts": 'import { v } from "convex/values";\nexport const plan = v.literal("basic");\n',
      "shared/size.ts": 'import { v } from "convex/values";\nexport const size = v.number();\n',
    });
    app.commit();
    app.remove("shared");
    app.write({
      "convex/schema.ts": schema(
        "teams: defineTable({ plan, size: v.number() })",
        'import { plan } from "./types/plan";',
      ),
      "convex/types/plan.ts": 'import { v } from "convex/values";\nexport const plan = v.literal("pro");\n',
    });
    const { app: planned } = await app.plan<{ app: { changes: { path: string }[] } }>();
    expect(planned.changes.map(({ path }) => path)).toEqual([".plan"]);
  });

  test("a package that is a folder of the repository is as it was in the commit too", async () => {
    const shared = (size: string): string =>
      `import { v } from "convex/values";\nexport const size = ${size};\n`;
    app.write({
      ".gitignore": "node_modules\n",
      "convex/schema.ts": schema("teams: defineTable({ size })", 'import { size } from "shared";'),
      "packages/shared/package.json": JSON.stringify({ name: "shared", main: "index.ts" }),
      "packages/shared/index.ts": shared("v.number()"),
      "node_modules/.keep": "",
    });
    symlinkSync("../packages/shared", join(app.root, "node_modules/shared"));
    app.commit();
    app.write({ "packages/shared/index.ts": shared("v.int64()") });
    expect(await app.plan()).toMatchObject({ exitCode: 2, app: { changes: [{ rule: "type-changed" }] } });
  });

  test("an app in a folder of the repository is found there", async () => {
    app.write({
      "packages/api/package.json": JSON.stringify({ dependencies: { convex: "*" } }),
      "packages/api/convex.json": JSON.stringify({ functions: "backend/" }),
      "packages/api/backend/schema.ts": teams,
    });
    app.commit();
    app.write({ "packages/api/backend/schema.ts": destroying });
    const inside = Object.assign(Object.create(PlanApp.prototype) as PlanApp, {
      root: join(app.root, "packages/api"),
    });
    expect((await inside.run(["plan"])).code).toBe(3);
  });

  test("schemas of components are compared too, each under its path", async () => {
    const component =
      'import { defineComponent } from "convex/server";\nexport default defineComponent("billing");\n';
    app.write({
      "convex/convex.config.ts": `
import { defineApp } from "convex/server";
import billing from "./billing/convex.config";
const app = defineApp();
app.use(billing, { name: "accounts" });
export default app;
`,
      "convex/billing/convex.config.ts": component,
      "convex/billing/schema.ts": schema("bills: defineTable({ cents: v.number() })"),
    });
    app.commit();
    app.write({ "convex/billing/schema.ts": schema("bills: defineTable({ cents: v.int64() })") });
    expect(await app.plan()).toMatchObject({
      exitCode: 2,
      app: { verdict: "safe", changes: [] },
      components: { accounts: { verdict: "needsMigration", changes: [{ rule: "type-changed" }] } },
    });
    const { stdout } = await app.run(["plan"]);
    expect(stdout).toContain("Component accounts");
    const [waiver = ""] = /data-already-fits:\S+/.exec(stdout) ?? [];
    expect(waiver).toBe("data-already-fits:accounts/bills.cents");
    expect((await app.run(["plan", "--waive", waiver])).code).toBe(0);
    expect((await app.run(["plan", "--waive", "data-already-fits:bills.cents"])).code).toBe(2);
    expect(await app.run(["plan", "--waive", "data-already-fits:acounts/bills.cents"])).toMatchObject({
      stderr: expect.stringContaining('component "acounts", which is not mounted. There are accounts.'),
    });
  });

  test("a component that was not mounted before had no documents", async () => {
    app.commit();
    app.write({
      "convex/convex.config.ts": `
import { defineApp } from "convex/server";
import billing from "./billing/convex.config";
const app = defineApp();
app.use(billing);
export default app;
`,
      "convex/billing/convex.config.ts":
        'import { defineComponent } from "convex/server";\nexport default defineComponent("billing");\n',
      "convex/billing/schema.ts": schema("bills: defineTable({ cents: v.number() })"),
    });
    expect(await app.plan()).toMatchObject({
      exitCode: 0,
      components: { billing: { changes: [{ rule: "table-added", counts: "safe" }] } },
    });
  });

  test("a repository that had no app yet had no documents; one without a schema had any", async () => {
    app.remove("convex");
    app.write({ "README.md": "" });
    app.commit();
    app.write({ "convex/schema.ts": teams });
    expect((await app.run(["plan"])).code).toBe(0);
    app.remove("convex/schema.ts");
    app.write({ "convex/teams.ts": "export {};\n" });
    app.commit();
    app.write({ "convex/schema.ts": teams });
    expect(await app.plan()).toMatchObject({
      exitCode: 2,
      app: { changes: [{ rule: "validation-turned-on" }] },
    });
  });

  test("a file of a schema, as a module or as JSON, can stand for the one before", async () => {
    app.write({ "old/schema.ts": teams, "convex/schema.ts": needing });
    expect((await app.run(["plan", "--from", "old/schema.ts"])).code).toBe(2);
    const json = { tables: [{ tableName: "teams", documentType: { type: "any" } }], schemaValidation: true };
    app.write({ "old.json": JSON.stringify(json) });
    expect(await app.plan("--from", "old.json")).toMatchObject({ exitCode: 2, from: { kind: "file" } });
  });

  test("renames and waivers are options", async () => {
    app.commit();
    app.write({ "convex/schema.ts": schema("teams: defineTable({ title: v.string() })") });
    expect((await app.run(["plan"])).code).toBe(3);
    const rename = ["--rename", "teams.name=title"];
    expect((await app.run(["plan", ...rename])).code).toBe(3);
    expect((await app.run(["plan", ...rename, "--waive", "drop-field:teams.isPro"])).code).toBe(2);
    expect(await app.run(["plan", "--waive", "hope"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("error UNKNOWN_WAIVER"),
    });
    expect(await app.run(["plan", "--rename", "teams.nme=title"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("error INVALID_RENAME"),
    });
  });

  test("what a schema prints is not the plan's output", async () => {
    app.commit();
    app.write({ "convex/schema.ts": `console.log("noise");\n${teams}` });
    expect((await app.run(["plan", "--json"])).stdout).toMatch(/^\{/);
  });
});

describe("what cannot be planned", () => {
  test.each([
    ["a schema that throws", 'throw new Error("stumbled");\n', "stumbled"],
    ["a schema that does not bundle", 'import "./nowhere";\n', "nowhere"],
    ["a module without a schema", "export {};\n", "export the schema by default"],
    ["a schema that never ends", "for (;;) process.exit(3);\n", "exit code 3"],
  ])("%s is a coded error that says why", async (_what, source, why) => {
    app.commit();
    app.write({ "convex/schema.ts": source });
    const { code, stderr } = await app.run(["plan"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error SCHEMA_UNREADABLE: /);
    expect(stderr).toContain(why);
  });

  test("an unknown ref, and no repository at all, are coded errors", async () => {
    app.commit();
    const unknown = await app.run(["plan", "--from", "nowhere"]);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("error GIT_REF_UNREADABLE") });
    expect(unknown.stderr).toContain('"nowhere"');
    expect((await app.run(["plan", "--from", "--output=x"])).code).toBe(1);
  });

  test("a commit whose schema cannot be read says which commit", async () => {
    app.write({ "convex/schema.ts": 'throw new Error("old");\n' });
    app.commit();
    app.write({ "convex/schema.ts": teams });
    expect((await app.run(["plan"])).stderr).toContain("HEAD: The schema cannot be evaluated: Error: old");
  });
});
