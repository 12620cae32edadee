/** How documents are gone through, as the published component promises it. Every claim holds for both libraries. */
import { describe, expect, test } from "vitest";
import { openApp, published, trueup } from "./app.js";
import { quietFakeTime } from "./console.js";
import { scoring } from "./scoring.js";

quietFakeTime();

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
