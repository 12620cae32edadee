/** How checks run on any host: in many small steps, from any step on, and beside writes that wait. */
import { managedAggregate, TableAggregate } from "trueup/aggregate";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { StoredDocument } from "../../src/components/aggregate/client/managed/types.js";
import { insertOperation } from "../../src/components/aggregate/client/operations.js";
import {
  advanceRun,
  readReport,
  startVerify,
} from "../../src/components/aggregate/client/verification/index.js";
import { damage } from "./damages.js";
import { check, component, source, type OpenCheckedHost } from "./checked-host.js";
import { damagedIn, expectMended, fillScores, findingsOf, reportOf } from "./checked-scores.js";
import { truthOf } from "./truth.js";
import { seededRandom } from "../setup/random.js";

/** Sets a clock on which a step's time is over after a few looks, so that each phase takes many steps. */
export function hurryTime(): void {
  let now = Date.now();
  vi.spyOn(Date, "now").mockImplementation(() => (now += 20));
}

export const ways = [
  "item deleted",
  "item at another key",
  "item in another namespace",
  "item with another sum",
  "item nobody has",
  "item in another namespace too",
];

export function verificationRunsContract(where: string, open: OpenCheckedHost): void {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  describe(`a check ${where}`, () => {
    test.each([false, true])("takes many steps and finds the same, trees damaged: %s", async (isDamaged) => {
      const host = await open();
      await fillScores(host, [700, 300, 9], { maxNodeSize: 4, rootLazy: false });
      const random = seededRandom(Number(process.env["TRUEUP_SEED"]));
      for (const way of [...ways, ...ways, ...ways, ...(isDamaged ? ["sum altered", "node lost"] : [])]) {
        await host.inside((ctx) => damage(ctx, way, random));
      }
      const truth = await truthOf(host);
      hurryTime();
      let steps = 0;
      const runId = await check(
        host,
        { repair: true },
        async () => void steps++,
        (step) => step % 5 === 2,
      );
      expect(steps).toBeGreaterThan(20);
      const report = await reportOf(host, runId);
      expect(findingsOf(report)).toEqual(truth.findings);
      expect(damagedIn(report).size).toBe(truth.damaged.size);
      expect(report.fixed).toBe(report.differences.length);
      await expectMended(host);
    });

    test("that meets a document which the definition fails on ends, and names it", async () => {
      const host = await open();
      await fillScores(host, [5]);
      const documents = (await host.run((ctx) => ctx.db.query("scores").collect())) as StoredDocument[];
      const culprit = documents[3]?._id ?? "";
      const runId = await host.run((ctx) => startVerify(ctx, { component }, {}));
      const aggregate = new TableAggregate(component, {
        sortKey: (doc) => {
          if (doc["_id"] === culprit) throw new Error("no key for this one");
          return doc["score"] as number;
        },
      });
      const checks = aggregate.verification("scores");
      for (let due = true; due;) ({ due } = await host.run((ctx) => checks.advance(ctx)));
      const report = await host.run((ctx) => checks.report(ctx));
      expect(report).toMatchObject({ runId, isDone: true, errorDocumentId: culprit });
      expect(report?.error).toContain("no key for this one");
    });

    test.each([-0, Number.NaN, Number.POSITIVE_INFINITY, 2n ** 60n, new ArrayBuffer(2), [{ a: -0 }, null]])(
      "shows keys that JSON does not have: %s",
      async (key) => {
        const host = await open();
        await fillScores(host, [5]);
        const place = { type: "put" as const, namespace: "game 0", id: "nobody" };
        await host.run((ctx) => ctx.runMutation(component.writes.apply, { operations: [{ ...place, key }] }));
        const runId = await check(host, {});
        const report = await host.run((ctx) => readReport(ctx, { component }, runId));
        expect(report?.differences).toMatchObject([{ kind: "orphaned", actual: { key } }]);
      },
    );

    test("takes writes that wait into account: deltas are part of the aggregate, queued ones are waited for", async () => {
      const host = await open();
      await fillScores(host, [30]);
      // The worker is scheduled, but never runs.
      vi.useFakeTimers({ toFake: ["setTimeout", "Date"] });
      const insertLater = (later: "deltas" | "queue") =>
        host.run(async (ctx) => {
          const id = await ctx.db.insert("scores", { game: "game 0", score: 1000 });
          const operations = [insertOperation(source.itemOf((await ctx.db.get(id)) as StoredDocument))];
          if (later === "deltas") await ctx.runMutation(component.writes.apply, { operations, deltas: true });
          else await ctx.runMutation(component.queue.enqueue, { operations });
        });
      await insertLater("deltas");
      expect((await reportOf(host, await check(host, {}))).differences).toEqual([]);
      await insertLater("queue");
      const runId = await host.run((ctx) => startVerify(ctx, { component }, {}));
      const steps = [];
      for (let step = 0; step < 6; step++) {
        steps.push(await host.run((ctx) => advanceRun(ctx, source, { runId })));
      }
      expect(steps.at(-1)).toEqual({ due: true, waitMs: 250 });
    });
  });

  describe(`a managed aggregate ${where}`, () => {
    test.each(["item in another namespace too", "item deleted", "child twice", "node lost"])(
      "is checked, and mended in place: %s",
      async (way) => {
        const host = await open();
        const byGame = new TableAggregate(component, {
          table: "scores",
          sortKey: (doc) => doc["score"] as number,
          namespace: (doc) => doc["game"],
          sumValue: (doc) => doc["score"] as number,
        });
        const managed = byGame[managedAggregate];
        if (managed === undefined) throw new Error("it should be managed");
        const advance = async (): Promise<void> => {
          for (let due = true; due;) ({ due } = await host.run((ctx) => managed.advance(ctx)));
        };
        await host.run(async (ctx) => {
          for (let score = 0; score < 300; score++) {
            await ctx.db.insert("scores", { game: `game ${score % 2}`, score });
          }
          await managed.begin(ctx);
        });
        await advance();
        const random = seededRandom(7);
        const { generation } = await host.run((ctx) => managed.status(ctx));
        await host.inside((ctx) => damage(ctx, way, random, generation));
        const runId = await host.run((ctx) => managed.startVerify(ctx, { repair: true, startedBy: "test" }));
        await advance();
        const report = await host.run((ctx) => managed.report(ctx, runId));
        expect(report).toMatchObject({ isDone: true, error: null, startedBy: "test", repair: true });
        expect(report?.differences).not.toEqual([]);
        expect(report?.fixed).toBe(report?.differences.length);
        await host.run((ctx) => managed.startVerify(ctx));
        await advance();
        expect(await host.run((ctx) => managed.report(ctx))).toMatchObject({ differences: [] });
        expect(await host.run((ctx) => managed.status(ctx))).toMatchObject({
          state: "ready",
          generation,
          items: 300,
          drift: 0,
          lastVerified: { differences: 0 },
        });
      },
    );
  });
}
