/** What migrations promise today: every claim holds of the published component and of ours. */
import { internalMutationGeneric } from "convex/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  component,
  functionNamed,
  openApp,
  published,
  trueup,
  type App,
  type Library,
} from "./migrations-app.js";

beforeEach(() => {
  vi.useFakeTimers();
  for (const method of ["debug", "info", "log", "warn", "error"] as const) {
    vi.spyOn(console, method).mockImplementation(() => undefined);
  }
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** An app with a migration that gives every user a score, and fails on the user named by `failOn`. */
function scoring(
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

describe.each([published, trueup])("$name", (library) => {
  test("the first batch runs with the call, the others follow on their own", async () => {
    const app = scoring(library, { batchSize: 10 });
    await app.insert(25);
    const output = await app.call("score");
    expect(output).toMatchObject({
      Name: "migrations:score",
      processed: 10,
      toCancel: { cmd: expect.stringContaining("lib:cancel") },
    });
    expect(await app.status("score")).toMatchObject({ state: "inProgress", isDone: false, processed: 10 });
    await app.finish();
    const status = await app.status("score");
    expect(status).toMatchObject({ state: "success", isDone: true, processed: 25, cursor: null });
    expect(status.latestEnd).toBeGreaterThanOrEqual(status.latestStart);
    expect((await app.users()).map(({ times }) => times)).toEqual(Array(25).fill(1));
  });

  test("a returned object is applied as a patch", async () => {
    const app = openApp(library, (migrations) => ({
      move: migrations.define({
        table: "users",
        migrateOne: (_ctx, user) => ({ plan: `was ${user.score}`, score: undefined }),
      }),
    }));
    await app.insert(3, (i) => ({ score: i }));
    await app.call("move");
    const users = await app.users();
    expect(users.map(({ plan }) => plan)).toEqual(["was 0", "was 1", "was 2"]);
    expect(users.filter((user) => "score" in user)).toEqual([]);
  });

  test("batches take 100 documents at first, or as many as the definition says, or as the call says", async () => {
    for (const [definition, call, expected] of [
      [undefined, undefined, 100],
      [30, undefined, 30],
      [30, 7, 7],
    ] as const) {
      const app = scoring(library, definition === undefined ? {} : { batchSize: definition });
      await app.insert(120);
      await app.call("score", call === undefined ? {} : { batchSize: call });
      expect((await app.status("score")).processed).toBe(expected);
    }
  });

  test("a custom range is gone through in the order of its index, forwards or backwards", async () => {
    for (const order of ["asc", "desc"] as const) {
      const seen: number[] = [];
      const app = openApp(library, (migrations) => ({
        some: migrations.define({
          table: "users",
          batchSize: 2,
          customRange: (q) =>
            q
              .withIndex("by_plan_and_score", (range) =>
                range.eq("plan", "pro").gt("score", 2).lte("score", 8),
              )
              .order(order),
          migrateOne: (_ctx, user) => {
            seen.push(user.score ?? -1);
            return { times: 1 };
          },
        }),
      }));
      await app.insert(12, (i) => ({ score: 11 - i, plan: i % 4 === 3 ? "basic" : "pro" }));
      await app.call("some");
      await app.finish();
      const expected = [3, 5, 6, 7];
      expect(seen).toEqual(order === "asc" ? expected : expected.toReversed());
    }
  });

  test("documents of a batch can be migrated at once", async () => {
    let atOnce = 0;
    let most = 0;
    const app = openApp(library, (migrations) => ({
      all: migrations.define({
        table: "users",
        parallelize: true,
        migrateOne: async (ctx, user) => {
          most = Math.max(most, ++atOnce);
          await ctx.db.patch(user._id, { times: 1 });
          atOnce--;
        },
      }),
    }));
    await app.insert(10);
    await app.call("all");
    expect(most).toBe(10);
    expect((await app.users()).every(({ times }) => times === 1)).toBe(true);
  });

  test("a failure stops at the last whole batch and names the error; starting again resumes there", async () => {
    const app = scoring(library, { failOn: "user 14", batchSize: 10 });
    await app.insert(25);
    await app.call("score");
    await app.finish();
    const failed = await app.status("score");
    expect(failed).toMatchObject({ state: "failed", isDone: false, processed: 10 });
    expect(failed.error).toContain("cannot score");
    expect((await app.users()).map(({ times }) => times ?? 0)).toEqual([
      ...Array(10).fill(1),
      ...Array(15).fill(0),
    ]);

    app.failOn.name = undefined;
    await app.call("score");
    await app.finish();
    expect(await app.status("score")).toMatchObject({ state: "success", processed: 25 });
    expect((await app.status("score")).error).toBeUndefined();
    expect((await app.users()).every(({ times }) => times === 1)).toBe(true);
  });

  test("a failure in the first batch leaves everything as it was", async () => {
    const app = scoring(library, { failOn: "user 3" });
    await app.insert(5);
    expect((await app.call("score"))["Status"]).toContain("Migration failed");
    expect(await app.status("score")).toMatchObject({ state: "failed", processed: 0 });
    expect((await app.users()).every(({ times }) => times === undefined)).toBe(true);
  });

  test("a migration that is done is skipped, unless it is reset or given a cursor", async () => {
    const app = scoring(library);
    await app.insert(3);
    await app.call("score");
    vi.advanceTimersByTime(5);
    expect((await app.call("score"))["Status"]).toContain("already done");
    expect((await app.users()).map(({ times }) => times)).toEqual([1, 1, 1]);
    await app.call("score", { reset: true });
    await app.mutate((ctx) => app.migrations.runOne(ctx, functionNamed("score"), { cursor: null }));
    expect((await app.users()).map(({ times }) => times)).toEqual([3, 3, 3]);
    expect((await app.status("score")).processed).toBe(3);
  });

  test("a migration that is running is not started twice", async () => {
    const app = scoring(library, { batchSize: 2 });
    await app.insert(9);
    await app.call("score");
    expect(await app.call("score")).toMatchObject({ processed: 2, toCancel: expect.anything() });
    await app.call("runBoth");
    await app.mutate((ctx) => app.migrations.runOne(ctx, functionNamed("score"), { cursor: null }));
    await app.mutate((ctx) => app.migrations.runSerially(ctx, [functionNamed("score")]));
    await app.finish();
    expect((await app.users()).map(({ times }) => times)).toEqual(Array(9).fill(1));
    expect((await app.status("score")).processed).toBe(9);
    expect((await app.status("plan")).state).toBe("unknown");
  });

  test("a series runs in order, skips what is done, and stops at a failure", async () => {
    const app = scoring(library, { failOn: "user 4", batchSize: 2 });
    await app.insert(6);
    await app.call("runBoth");
    await app.finish();
    expect((await app.status("score")).state).toBe("failed");
    expect((await app.status("plan")).state).toBe("unknown");

    app.failOn.name = undefined;
    await app.call("runBoth");
    await app.finish();
    expect((await app.status("plan")).state).toBe("success");
    expect(await app.users()).toMatchObject(Array(6).fill({ times: 1, plan: "basic" }));

    await app.mutate((ctx) => ctx.db.insert("users", { name: "late" }));
    await app.mutate((ctx) =>
      app.migrations.runSerially(ctx, [functionNamed("score"), functionNamed("plan")]),
    );
    await app.finish();
    expect((await app.users()).at(-1)?.times).toBeUndefined();
  });

  test("`next` runs others after it, and `reset` begins all of them again", async () => {
    const app = scoring(library);
    await app.insert(2);
    await app.call("score", { next: ["migrations:plan"] });
    await app.finish();
    expect(await app.users()).toMatchObject(Array(2).fill({ times: 1, plan: "basic" }));
    await app.mutate(async (ctx) => {
      for (const user of await ctx.db.query("users").collect())
        await ctx.db.patch(user._id, { plan: "other" });
    });
    await app.call("run", { fn: "migrations:score", next: ["migrations:plan"], reset: true });
    await app.finish();
    expect(await app.users()).toMatchObject(Array(2).fill({ times: 2, plan: "basic" }));
  });

  test("a cancelled migration stops, and starting it again resumes it", async () => {
    const app = scoring(library, { batchSize: 2 });
    await app.insert(7);
    await app.call("score");
    const canceled = await app.mutate((ctx) => app.migrations.cancel(ctx, "migrations:score"));
    expect(canceled).toMatchObject({ state: "canceled", processed: 2 });
    await app.finish();
    expect(await app.status("score")).toMatchObject({ state: "canceled", processed: 2 });
    await app.call("runScore");
    await app.finish();
    expect((await app.users()).map(({ times }) => times)).toEqual(Array(7).fill(1));
  });

  test("cancelAll stops everything; cancelling what is done or unknown changes nothing", async () => {
    const app = scoring(library, { batchSize: 2 });
    await app.insert(5);
    await app.call("plan");
    await app.call("score");
    const canceled = await app.mutate((ctx) => app.migrations.cancelAll(ctx));
    expect(canceled.map(({ name, state }) => [name, state])).toEqual([["migrations:score", "canceled"]]);
    expect(await app.mutate((ctx) => app.migrations.cancel(ctx, functionNamed("plan")))).toMatchObject({
      state: "success",
    });
    const unknown = app.mutate((ctx) => app.migrations.cancel(ctx, "migrations:none"));
    await expect(unknown).rejects.toThrow("Migration migrations:none not found");
  });

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

  test("documents inserted while it runs are migrated too", async () => {
    const app = scoring(library, { batchSize: 2 });
    await app.insert(5);
    await app.call("score");
    await app.insert(3);
    await app.finish();
    expect((await app.users()).map(({ times }) => times)).toEqual(Array(8).fill(1));
  });

  test("documents deleted around the cursor do not disturb it", async () => {
    const app = scoring(library, { batchSize: 3 });
    await app.insert(9);
    await app.call("score");
    await app.mutate(async (ctx) => {
      for (const [i, user] of (await ctx.db.query("users").collect()).entries()) {
        if (i === 2 || i === 3) await ctx.db.delete(user._id);
      }
    });
    await app.finish();
    expect((await app.users()).map(({ times }) => times)).toEqual(Array(7).fill(1));
  });
});
