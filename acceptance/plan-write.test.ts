import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { defineApp } from "convex/server";
import type { Backend } from "trueup";
import migrationsConfig from "trueup/migrations/convex.config";
import migrations from "trueup/migrations/test";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { call, openApp } from "../suites/setup/open-app.js";
import { writeGenerated } from "./setup/generated-folder.js";
import { needing, PlanApp, removePlanApps, safe, schema, teams } from "./setup/plan-app.js";

afterAll(removePlanApps);

let app: PlanApp;
beforeEach(() => {
  app = new PlanApp({ "convex/schema.ts": teams, ".gitignore": ".trueup\n" });
});

describe("--write", () => {
  const withTrueup = JSON.stringify({ type: "module", dependencies: { convex: "*", trueup: "*" } });

  test("writes the migration, and the module it imports where there is none; never over a file", async () => {
    app.write({ "package.json": withTrueup });
    app.commit();
    app.write({ "convex/schema.ts": needing });
    const written = await app.run(["plan", "--write"]);
    expect(written.code).toBe(2);
    expect(written.stderr).toContain("Wrote convex/migrations.ts\nWrote convex/addSeatsToTeams.ts\n");
    expect(written.stderr).toContain('import migrations from "trueup/migrations/convex.config"');
    expect(app.read("convex/migrations.ts")).toContain('from "trueup/migrations"');
    expect(app.read("convex/addSeatsToTeams.ts")).toContain("up: (doc: Infer<typeof addSeatsToTeamsFrom>)");
    expect(await app.run(["plan", "--write"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("error FILE_EXISTS"),
    });
    const again = await app.plan<{ written: object }>(
      "--write",
      "convex/changes/seats.ts",
      "--form",
      "migrate-one",
    );
    expect(again.written).toMatchObject({
      files: ["convex/changes/seats.ts"],
      functions: ["changes/seats:addSeatsToTeams"],
    });
    expect(app.read("convex/changes/seats.ts")).toContain('import { migrations } from "../migrations.js";');
    expect((await app.run(["plan", "--write", "elsewhere.ts"])).code).toBe(64);
  });

  test("declares renames, and the waivers that were given, for the deploy to know", async () => {
    app.write({ "package.json": withTrueup });
    app.commit();
    app.write({ "convex/schema.ts": schema("clubs: defineTable({ title: v.string() })") });
    const options = ["--rename", "teams=clubs", "--rename", "clubs.name=title", "--waive", "drop-field"];
    await app.run(["plan", "--write", "convex/toClubs.ts", ...options]);
    const source = app.read("convex/toClubs.ts");
    expect(source).toContain(
      'export const renameTeamsToClubs = migrations.renameTable({ from: "teams", to: "clubs" });',
    );
    expect(source).toContain("return { ...kept, title: doc.name };");
    expect(source).toContain('export const waivers = migrations.waive(\n  "drop-field:clubs.isPro",\n);');
  });

  test("an app with the published component gets what runs with it", async () => {
    app.write({
      "package.json": JSON.stringify({ dependencies: { convex: "*", "@convex-dev/migrations": "*" } }),
    });
    app.commit();
    app.write({ "convex/schema.ts": needing });
    await app.run(["plan", "--write"]);
    expect(app.read("convex/migrations.ts")).toContain('from "@convex-dev/migrations"');
    expect(app.read("convex/addSeatsToTeams.ts")).toContain("migrateOne:");
  });

  test("a safe change writes nothing", async () => {
    app.commit();
    app.write({ "convex/schema.ts": safe });
    expect(await app.run(["plan", "--write"])).toMatchObject({
      code: 0,
      stderr: "Nothing to write: no migration is needed.\n",
    });
    expect(existsSync(join(app.root, "convex/migrations.ts"))).toBe(false);
  });

  test("--widened prints the schema that both shapes fit", async () => {
    app.commit();
    app.write({ "convex/schema.ts": needing });
    const { stdout, code } = await app.run(["plan", "--widened"]);
    expect(code).toBe(2);
    app.write({ "convex/schema.ts": stdout });
    expect((await app.run(["plan"])).code).toBe(0);
  });

  test("a transform that is written type-checks with the new schema", async () => {
    app.write({ "package.json": withTrueup });
    app.commit();
    const tables =
      'clubs: defineTable({ title: v.string(), plan: v.union(v.literal("basic"), v.literal("pro")), seats: v.optional(v.int64()) })';
    app.write({ "convex/schema.ts": schema(tables) });
    const renames = ["--rename", "teams=clubs", "--rename", "clubs.name=title"];
    await app.run(["plan", "--write", ...renames, "--waive", "drop-field:clubs.isPro"]);
    expect(app.read("convex/schemaMigrations.ts")).toContain("migrations.waive(");
    expect(typeErrors(app)).toEqual([]);
  });

  test("what is written type-checks and migrates the documents of a deployment", async () => {
    app.write({ "package.json": withTrueup });
    app.commit();
    app.write({
      "convex/schema.ts": schema(
        'teams: defineTable({ name: v.string(), plan: v.union(v.literal("basic"), v.literal("pro")) })',
      ),
    });
    const waive = ["--waive", "drop-field:teams.isPro"];
    const { stdout: widened } = await app.run(["plan", "--widened", ...waive]);
    await app.run(["plan", "--write", "--form", "migrate-one", ...waive]);
    app.write({ "convex/schema.ts": widened });
    expect(typeErrors(app)).toEqual([]);
    const load = (name: string) => (): Promise<unknown> => import(join(app.root, "convex", `${name}.ts`));
    const names = ["schema", "migrations", "migrateTeams"];
    const backend = await openApp("sqlite", {
      modules: {
        ...Object.fromEntries(names.map((name) => [name, load(name)])),
        "convex.config": async () => ({ default: mountingMigrations() }),
      },
      components: { migrations },
    });
    await backend.database.mutate(async (tx) => {
      await tx.component("").insert("teams", { name: "A", isPro: true });
      await tx.component("").insert("teams", { name: "B", plan: "pro" });
    });
    await call(backend, "migrateTeams:migrateTeams");
    await backend.scheduler.idle();
    expect(await documents(backend)).toEqual([
      { name: "A", plan: "basic" },
      { name: "B", plan: "pro" },
    ]);
  });
});

function mountingMigrations(): object {
  const definition = defineApp();
  definition.use(migrationsConfig);
  return definition;
}

async function documents(backend: Backend): Promise<object[]> {
  const source = { type: "FullTableScan", tableName: "teams", order: "asc" } as const;
  const { value } = await backend.database.query((tx) =>
    tx.component("").stream({ source, operators: [] }).take(10),
  );
  return value.map(({ _id, _creationTime, ...fields }) => fields);
}

/** What the compiler says of the app's functions folder. */
function typeErrors({ root }: PlanApp): string[] {
  writeGenerated(join(root, "convex"));
  const tsconfig = {
    extends: "../../tsconfig.json",
    compilerOptions: { rootDir: "../.." },
    include: ["./convex/**/*.ts"],
    exclude: [],
  };
  writeFileSync(join(root, "tsconfig.json"), JSON.stringify(tsconfig));
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin",
    "tsc",
  );
  const checked = spawnSync(process.execPath, [compiler, "-p", root, "--pretty", "false", "--listFiles"], {
    encoding: "utf8",
    cwd: resolve("."),
  });
  expect(checked.stdout).toContain("convex/migrations.ts");
  return checked.stdout.split("\n").filter((line) => /\.plan-apps.*error TS/.test(line));
}
