/**
 * Holds the promise of a migration with random documents, batch sizes, failures, lost workers and live writes: whatever fails and
 * however often it is started again, every document of the range is migrated exactly once.
 */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { openApp, trueup, type App } from "./app.js";
import { quietFakeTime } from "./console.js";

quietFakeTime();

interface Story {
  documents: number;
  batchSize: number | undefined;
  byIndex: boolean;
  parallelize: boolean;
  ranges: number;
  /** Which documents fail, and how often before they go through. */
  failures: { document: number; times: number }[];
  /** What happens between two starts. */
  events: ("cancel" | "lose the worker" | "insert" | "reset nothing")[];
}

const story: fc.Arbitrary<Story> = fc.record({
  documents: fc.nat(40),
  batchSize: fc.option(fc.integer({ min: 1, max: 15 }), { nil: undefined }),
  byIndex: fc.boolean(),
  parallelize: fc.boolean(),
  ranges: fc.integer({ min: 1, max: 4 }),
  failures: fc.array(fc.record({ document: fc.nat(39), times: fc.integer({ min: 1, max: 3 }) }), {
    maxLength: 4,
  }),
  events: fc.array(fc.constantFrom("cancel", "lose the worker", "insert", "reset nothing"), { maxLength: 5 }),
});

function appOf({ batchSize, byIndex, parallelize, ranges, failures }: Story): App {
  const left = new Map(failures.map(({ document, times }) => [`user ${document}`, times]));
  return openApp(trueup, (migrations) => ({
    each: migrations.define({
      table: "users",
      batchSize,
      parallelize,
      ranges,
      customRange: byIndex ? (q) => q.withIndex("by_plan_and_score") : undefined,
      migrateOne: async (ctx, user) => {
        await ctx.db.insert("notes", { text: user.name });
        const times = left.get(user.name) ?? 0;
        if (times > 0) {
          left.set(user.name, times - 1);
          throw new Error("not yet");
        }
        await ctx.db.patch(user._id, { times: (user.times ?? 0) + 1 });
      },
    }),
  }));
}

async function loseWorker(app: App): Promise<void> {
  await app.inComponent(async (ctx) => {
    const rows = [
      ...(await ctx.db.query("migrations").collect()),
      ...(await ctx.db.query("ranges").collect()),
    ];
    for (const id of rows.flatMap(({ workerId, supervisorId }) => [workerId, supervisorId])) {
      const job = id === undefined ? null : await ctx.db.system.get("_scheduled_functions", id);
      if (job?.state.kind === "pending") await ctx.scheduler.cancel(job._id);
    }
  });
}

test("every document is migrated exactly once, whatever fails on the way", async () => {
  await fc.assert(
    fc.asyncProperty(story, async (one) => {
      const app = appOf(one);
      for (let i = 0; i < one.documents; i++) {
        vi.advanceTimersByTime(1);
        await app.insert(1, () => ({ name: `user ${i}`, plan: i % 3 === 0 ? "pro" : "basic", score: i % 5 }));
      }
      const events = [...one.events];
      for (let starts = 1; !(await app.status("each")).isDone; starts++) {
        expect(starts).toBeLessThan(30);
        await app.call("each");
        const event = events.shift();
        if (event === "cancel") await app.mutate((ctx) => app.migrations.cancel(ctx, "migrations:each"));
        if (event === "lose the worker") await loseWorker(app);
        if (event === "insert") await app.insert(1, () => ({ name: "late", plan: "z" }));
        vi.advanceTimersByTime(1);
        await app.finish();
      }
      const users = await app.users();
      expect(users.filter(({ times, name }) => times !== 1 && name !== "late")).toEqual([]);
      expect(users.filter(({ times }) => (times ?? 0) > 1)).toEqual([]);
      // What a migration writes elsewhere is undone with a failed batch as well.
      const notes = await app.mutate((ctx) => ctx.db.query("notes").collect());
      expect(notes).toHaveLength(users.filter(({ times }) => times === 1).length);
      const runs = await app.mutate((ctx) => app.migrations.getHistory(ctx, "migrations:each"));
      const { processed } = await app.status("each");
      expect(runs.reduce((sum, run) => sum + run.processed, 0)).toBe(processed);
      expect(processed).toBe(notes.length);
    }),
    { numRuns: 40 },
  );
});

test("late documents in the order of creation are always migrated, whenever they come", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(20),
      fc.integer({ min: 1, max: 6 }),
      fc.nat(6),
      async (documents, batchSize, late) => {
        const app = appOf({
          documents,
          batchSize,
          byIndex: false,
          parallelize: false,
          ranges: 2,
          failures: [],
          events: [],
        });
        await app.insert(documents);
        await app.call("each");
        const wasDone = (await app.status("each")).isDone;
        await app.insert(late);
        await app.finish();
        const migrated = (await app.users()).filter(({ times }) => times === 1);
        expect(migrated).toHaveLength(wasDone ? documents : documents + late);
      },
    ),
    { numRuns: 20 },
  );
});
