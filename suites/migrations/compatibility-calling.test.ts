/** The ways to call a migration, as the published component offers them. Every claim holds for both libraries. */
import { internalMutationGeneric } from "convex/server";
import { describe, expect, test } from "vitest";
import { component, functionNamed, openApp, published, trueup } from "./app.js";
import { quietFakeTime } from "./console.js";
import { scoring } from "./scoring.js";

quietFakeTime();

describe.each([published, trueup])("$name", (library) => {
  test("a dry run shows what the first batch would do and changes nothing", async () => {
    const app = scoring(library, { batchSize: 4 });
    await app.insert(6);
    const output = await app.call("score", { dryRun: true });
    expect(output).toMatchObject({ DryRun: "No changes were committed.", processed: 4 });
    expect(output["Status"]).toMatch(/^DRY RUN: /);
    expect(console.debug).toHaveBeenCalled();
    expect((await app.users()).every(({ times }) => times === undefined)).toBe(true);
    expect((await app.status("score")).state).toBe("unknown");
    const started = app.mutate((ctx) => app.migrations.runOne(ctx, functionNamed("score"), { dryRun: true }));
    await expect(started).rejects.toMatchObject({ data: { kind: "DRY RUN", status: { processed: 4 } } });
  });

  test("a dry run of a migration that fails says so", async () => {
    const app = scoring(library, { failOn: "user 1" });
    await app.insert(2);
    const output = await app.call("score", { dryRun: true });
    expect(output["Status"]).toContain("DRY RUN: Migration failed");
    expect(output["Status"]).toContain("cannot score");
  });

  test("the status of all migrations is in the order they were created in", async () => {
    const app = scoring(library);
    await app.insert(1);
    for (const name of ["score", "plan"]) await app.call(name);
    const all = await app.mutate((ctx) => app.migrations.getStatus(ctx, {}));
    expect(all.map(({ name }) => name)).toEqual(["migrations:score", "migrations:plan"]);
    const [latest] = await app.mutate((ctx) => app.migrations.getStatus(ctx, { limit: 1 }));
    expect(latest?.name).toBe("migrations:plan");
    const [none] = await app.mutate((ctx) =>
      app.migrations.getStatus(ctx, { migrations: ["migrations:none"] }),
    );
    expect(none).toMatchObject({ state: "unknown", processed: 0, isDone: false });
  });

  test("runToCompletion runs every batch before it resolves, and throws what fails", async () => {
    const app = scoring(library, { failOn: "user 5", batchSize: 2 });
    await app.insert(9);
    const run = (): Promise<unknown> =>
      app.act((ctx) => library.runToCompletion(ctx, component, functionNamed("score"), { batchSize: 2 }));
    await expect(run()).rejects.toThrow("cannot score");
    expect((await app.users()).filter(({ times }) => times === 1)).toHaveLength(4);
    app.failOn.name = undefined;
    expect(await run()).toMatchObject({ isDone: true, processed: 9, state: "success" });
    expect((await app.users()).map(({ times }) => times)).toEqual(Array(9).fill(1));
  });

  test("a runner takes exactly one migration", async () => {
    const app = scoring(library);
    await app.insert(1);
    await expect(app.call("run")).rejects.toThrow("Specify the migration");
    await expect(app.call("runScore", { fn: "migrations:plan" })).rejects.toThrow("Specify only one");
    await expect(app.call("run", { fn: "migrations:none" })).resolves.toMatchObject({
      Status: expect.stringContaining("failed"),
    });
    await app.call("run", { fn: "migrations:plan" });
    expect((await app.users())[0]?.plan).toBe("basic");
  });

  test("names may be given without their file", async () => {
    const app = openApp(
      library,
      (migrations) => ({
        plan: migrations.define({ table: "users", migrateOne: () => ({ plan: "basic" }) }),
        run: migrations.runner(),
      }),
      { migrationsLocationPrefix: "migrations:" },
    );
    await app.insert(1);
    await app.call("run", { fn: "plan" });
    const [status] = await app.mutate((ctx) => app.migrations.getStatus(ctx, { migrations: ["plan"] }));
    expect(status).toMatchObject({ name: "migrations:plan", state: "success" });
    expect(await app.call("plan", { fn: "plan" })).toMatchObject({ Name: "migrations:plan" });
    await expect(app.call("plan", { fn: "other" })).rejects.toThrow("Function name mismatch");
  });

  test("a single batch can be run by hand", async () => {
    const app = scoring(library);
    await app.insert(5);
    const first = await app.call("score", { oneBatchOnly: true, cursor: null, dryRun: false, batchSize: 3 });
    expect(first).toMatchObject({ processed: 3, isDone: false });
    const cursor = first["continueCursor"] as string;
    const second = await app.call("score", { oneBatchOnly: true, cursor, batchSize: 3 });
    expect(second).toMatchObject({ processed: 2, isDone: true });
    expect((await app.users()).map(({ times }) => times)).toEqual(Array(5).fill(1));
    expect((await app.status("score")).state).toBe("unknown");
    await expect(app.call("score", { oneBatchOnly: true, dryRun: false })).rejects.toThrow(
      "Cursor must be specified",
    );
    await expect(app.call("score", { oneBatchOnly: true })).rejects.toMatchObject({
      data: { kind: "DRY RUN" },
    });
  });

  test("arguments that cannot be right are refused", async () => {
    const app = scoring(library);
    await expect(app.call("score", { batchSize: -1 })).rejects.toThrow("Batch size must be greater than 0");
    expect(await app.call("score", { batchSize: 0 })).toBeNull();
    const direct = app.mutate((ctx) =>
      ctx.runMutation(component.lib.migrate, { name: "x", fnHandle: "x", dryRun: false }),
    );
    await expect(direct).rejects.toThrow("Invalid fnHandle");
  });

  test("the app's own internalMutation makes the migration functions", async () => {
    const seen: unknown[] = [];
    const app = openApp(
      library,
      (migrations) => ({
        plan: migrations.define({ table: "users", migrateOne: () => ({ plan: "basic" }) }),
      }),
      {
        internalMutation: ((definition: { args: object; handler: (ctx: object, args: object) => unknown }) =>
          internalMutationGeneric({
            args: definition.args as never,
            handler: (ctx, args) => {
              seen.push(args);
              return definition.handler(ctx, args);
            },
          })) as never,
      },
    );
    await app.insert(1);
    await app.call("plan");
    expect(seen).toHaveLength(2);
    expect((await app.users())[0]?.plan).toBe("basic");
  });

  test("clearAll forgets all migrations", async () => {
    const app = scoring(library);
    await app.insert(2);
    await app.call("score");
    await app.mutate((ctx) => ctx.runMutation(component.lib.clearAll, {}));
    expect(await app.mutate((ctx) => app.migrations.getStatus(ctx, {}))).toEqual([]);
    await app.call("score");
    expect((await app.users()).map(({ times }) => times)).toEqual([2, 2]);
  });
});
