/** How migrations start, resume and stop, as the published component promises it. Every claim holds for both libraries. */
import { describe, expect, test, vi } from "vitest";
import { functionNamed, published, trueup } from "./app.js";
import { quietFakeTime } from "./console.js";
import { scoring } from "./scoring.js";

quietFakeTime();

describe.each([published, trueup])("$name", (library) => {
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
      for (const user of await ctx.db.query("users").collect()) {
        await ctx.db.patch(user._id, { plan: "other" });
      }
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
});
