/** Fills in the scores of a checked host together with their aggregate, and reads them in reports. */
import { expect } from "vitest";
import type { VerifyReport } from "../../src/seams/index.js";
import type { StoredDocument } from "../../src/components/aggregate/client/managed/types.js";
import { insertOperation } from "../../src/components/aggregate/client/operations.js";
import { readReport } from "../../src/components/aggregate/client/verification/index.js";
import { check, component, source, type AppCtx, type CheckedHost } from "./checked-host.js";
import { expectedContents, truthOf } from "./truth.js";

/** This many scores are written in a transaction. */
const batchSize = 200;

/** Fills the table and its aggregate: games of the sizes given. */
export async function fillScores(
  host: CheckedHost,
  sizes: readonly number[],
  settings: { maxNodeSize?: number; rootLazy?: boolean } = {},
): Promise<void> {
  await host.run((ctx) => ctx.runMutation(component.trees.clear, settings));
  const scores = sizes.flatMap((size, game) =>
    Array.from({ length: size }, (_, index) => ({ game: `game ${game}`, score: (index * 37) % 101 })),
  );
  for (let first = 0; first < scores.length; first += batchSize) {
    await host.run((ctx) => addScores(ctx, scores.slice(first, first + batchSize)));
  }
}

export async function addScores(
  ctx: AppCtx,
  scores: readonly { game: string; score: number }[],
): Promise<void> {
  const operations = [];
  for (const { game, score } of scores) {
    const id = await ctx.db.insert("scores", {
      game,
      score,
      ...(score % 3 === 0 ? { bonus: score / 4 } : {}),
    });
    operations.push(insertOperation(source.itemOf((await ctx.db.get(id)) as StoredDocument)));
  }
  await ctx.runMutation(component.writes.apply, { operations });
}

/** A run's report with all of its differences. */
export async function reportOf(host: CheckedHost, runId: string): Promise<VerifyReport> {
  const first = await host.run((ctx) => readReport(ctx, { component }, runId));
  if (first === null) throw new Error("there is no report");
  const report = { ...first, differences: [...first.differences] };
  for (let cursor = report.continueCursor; cursor !== null;) {
    const from = cursor;
    const page = await host.run((ctx) => readReport(ctx, { component }, runId, from));
    report.differences.push(...(page?.differences ?? []));
    cursor = page?.continueCursor ?? null;
  }
  expect(report).toMatchObject({ isDone: true, error: null });
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  return report;
}

/** The differences of items that a report names, sorted, in the form that `Truth` has. */
export function findingsOf({ differences }: VerifyReport): string[] {
  return differences.flatMap(({ kind, id }) => (kind === "structure" ? [] : [`${kind} ${id}`])).toSorted();
}

/** The damaged namespaces that a report names. */
export function damagedIn({ differences }: VerifyReport): Set<unknown> {
  const structural = differences.filter(({ kind }) => kind === "structure");
  return new Set(structural.map(({ actual }) => (actual as { namespace?: unknown }).namespace));
}

/** Fails unless the trees hold the table's items and nothing else, and a check says so. */
export async function expectMended(host: CheckedHost): Promise<void> {
  const { damaged, findings, contents } = await truthOf(host);
  expect({ damaged: damaged.size, findings }).toEqual({ damaged: 0, findings: [] });
  expect(contents).toEqual(await expectedContents(host));
  expect((await reportOf(host, await check(host, {}))).differences).toEqual([]);
}
