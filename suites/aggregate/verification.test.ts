/** Checks aggregates on this engine: what holds on every host, limits, files that are opened again, and an app's functions. */
import { convexTest } from "convex-test";
import { anyApi, type ApiFromModules } from "convex/server";
import { TableAggregate } from "trueup/aggregate";
import aggregateTest from "trueup/aggregate/test";
import { expect, test, vi } from "vitest";
import { advanceRun, startVerify } from "../../src/components/aggregate/client/verification/index.js";
import {
  check,
  checkedHostOnEngine,
  checkedSchema,
  component,
  source,
  type CheckedHost,
} from "./checked-host.js";
import { expectMended, fillScores, findingsOf, reportOf } from "./checked-scores.js";
import { damage } from "./damages.js";
import { truthOf } from "./truth.js";
import { verificationContract } from "./verification-contract.js";
import { hurryTime, verificationRunsContract, ways } from "./verification-runs-contract.js";
import { newStorage } from "../setup/open-app.js";
import { seededRandom } from "../setup/random.js";

verificationContract("on this engine", () => checkedHostOnEngine("memory"));
verificationRunsContract("on this engine", () => checkedHostOnEngine("memory"));

test("stays within a transaction's limits where every document is missing, in a namespace of its own", async () => {
  const host = await checkedHostOnEngine("memory");
  await host.run(async (ctx) => {
    for (let game = 0; game < 1500; game++) {
      await ctx.db.insert("scores", { game: `game ${game}`, score: game });
    }
  });
  const report = await reportOf(host, await check(host, { repair: true }));
  expect(report).toMatchObject({ counts: { missing: 1500 }, fixed: 1500 });
  await expectMended(host);
});

test("a run goes on when the data file is opened again, wherever it was", async () => {
  const storage = newStorage("sqlite");
  let host: CheckedHost & { close?(): Promise<void> } = await checkedHostOnEngine(storage);
  await fillScores(host, [300, 20], { maxNodeSize: 4 });
  const random = seededRandom(Number(process.env["TRUEUP_SEED"]));
  for (const way of [...ways, "value altered", "node lost"]) {
    await host.inside((ctx) => damage(ctx, way, random));
  }
  const truth = await truthOf(host);
  hurryTime();
  const runId = await host.run((ctx) => startVerify(ctx, { component }, { repair: true }));
  for (let due = true; due;) {
    ({ due } = await host.run((ctx) => advanceRun(ctx, source, { runId })));
    await host.close?.();
    host = await checkedHostOnEngine(storage);
  }
  const report = await reportOf(host, runId);
  if (!truth.sharesNodes) expect(findingsOf(report)).toEqual(truth.findings);
  await expectMended(host);
});

test("functions of an app carry out a check of an aggregate that nobody manages", async () => {
  vi.useFakeTimers();
  const byGame = new TableAggregate<{ Key: number; DataModel: never; TableName: never; Namespace: string }>(
    component,
    {
      sortKey: (doc: { score: number }) => doc.score,
      namespace: (doc: { game: string }) => doc.game,
    },
  );
  const module = byGame.verification("scores" as never).operations("aggregates");
  const functions = (anyApi as unknown as ApiFromModules<{ aggregates: typeof module }>).aggregates;
  const t = convexTest({
    schema: checkedSchema,
    modules: {
      "./_generated/api.js": () => Promise.resolve({}),
      "./aggregates.js": () => Promise.resolve(module),
    },
  });
  aggregateTest.register(t);
  await t.run(async (ctx) => {
    for (let score = 0; score < 20; score++) await ctx.db.insert("scores", { game: "chess", score });
  });
  const runId = await t.mutation(functions.verify, {});
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await t.query(functions.report, { runId })).toMatchObject({
    counts: { missing: 20 },
    fixed: 0,
    startedBy: "operations",
    repair: false,
  });
  await t.mutation(functions.repair, {});
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await t.query(functions.report, {})).toMatchObject({
    counts: { missing: 20 },
    fixed: 20,
    repair: true,
  });
  await t.mutation(functions.verify, {});
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  expect(await t.query(functions.report, {})).toMatchObject({ differences: [], isDone: true });
});
