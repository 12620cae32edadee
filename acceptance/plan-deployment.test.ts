import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { openBackend, sqlite, type Backend } from "trueup";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { loadAdminKey } from "../src/cli/app/admin-key.js";
import { findApp, prepareDataFolder, recordServer } from "../src/cli/app/app-folder.js";
import { startServer } from "../src/server/index.js";
import { needing, PlanApp, removePlanApps, schema, teams } from "./setup/plan-app.js";

afterAll(removePlanApps);

let app: PlanApp;
beforeEach(() => {
  app = new PlanApp({ "convex/schema.ts": teams, ".gitignore": ".trueup\n" });
});

describe("with a deployment in the folder", () => {
  /** The app's data file with teams under the old schema. */
  async function deployment(): Promise<Backend> {
    const folder = findApp(app.root);
    prepareDataFolder(folder);
    const backend = await openBackend({
      storage: sqlite(folder.dataFile),
      modules: {},
      schema: defineSchema({ teams: defineTable({ name: v.string(), isPro: v.boolean() }) }),
      log: "silent",
    });
    await backend.database.mutate(async (tx) => {
      for (let n = 0; n < 700; n++) await tx.component("").insert("teams", { name: `t${n}`, isPro: n < 10 });
    });
    return backend;
  }

  test("documents that violate the new schema are counted by what is wrong, with samples", async () => {
    await (await deployment()).close();
    app.write({
      "convex/schema.ts": schema("teams: defineTable({ name: v.string(), isPro: v.literal(false) })"),
    });
    const document = await app.plan<{
      app: { data: object[]; changes: { violations: { samples: object[] }[] }[] };
    }>();
    expect(document).toMatchObject({ exitCode: 2, from: { kind: "deployment", url: null } });
    expect(document.app.data).toMatchObject([
      { tableName: "teams", documents: 700, checked: 700, violating: 10 },
    ]);
    expect(document.app.changes[0]?.violations[0]).toMatchObject({ documents: 10 });
    expect(document.app.changes[0]?.violations[0]?.samples).toHaveLength(3);
    const { stdout } = await app.run(["plan"]);
    expect(stdout).toContain("Documents checked: 700, of which 10 violate the new schema.");
    expect(stdout).toMatch(/10 documents: .* at \.isPro/);
  });

  test("data that fits makes a change safe, and --no-data does without it", async () => {
    await (await deployment()).close();
    app.write({
      "convex/schema.ts": schema(
        "teams: defineTable({ name: v.string(), isPro: v.boolean() }), logs: defineTable({})",
      ),
    });
    expect((await app.run(["plan"])).code).toBe(0);
    app.write({
      "convex/schema.ts": schema(
        "teams: defineTable({ name: v.union(v.string(), v.null()), isPro: v.union(v.literal(true), v.literal(false), v.literal(1)) })",
      ),
    });
    expect((await app.run(["plan"])).code).toBe(0);
    app.write({ "convex/schema.ts": schema("logs: defineTable({})") });
    expect((await app.run(["plan"])).code).toBe(3);
    app.write({ "convex/schema.ts": needing });
    expect((await app.run(["plan", "--no-data"])).code).toBe(2);
  });

  test("a running server is asked, and its writers go on", async () => {
    const backend = await deployment();
    const folder = findApp(app.root);
    const server = await startServer(backend, { port: 0, adminKeys: [loadAdminKey(folder)] });
    const forget = recordServer(folder, { url: server.url });
    try {
      app.write({ "convex/schema.ts": needing });
      expect(await app.plan()).toMatchObject({
        exitCode: 2,
        from: { kind: "deployment", url: server.url },
        app: { data: [{ violating: 700 }] },
      });
      const renamed = schema("clubs: defineTable({ name: v.string(), isPro: v.boolean() })");
      app.write({ "convex/schema.ts": renamed });
      expect(await app.plan("--rename", "teams=clubs")).toMatchObject({
        app: { changes: [{ rule: "table-renamed" }] },
      });
      expect((await app.run(["plan", "--rename", "nothing=clubs"])).code).toBe(1);
    } finally {
      forget();
      await server.close();
      await backend.close();
    }
  });

  test("--from deployment insists on one", async () => {
    expect(await app.run(["plan", "--from", "deployment"])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining("error DATA_FILE_MISSING"),
    });
  });
});
