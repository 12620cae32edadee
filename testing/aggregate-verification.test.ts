/** Checks and repairs of damaged aggregates: each difference found, named rightly, mended, and nothing else touched. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { VerifyReport } from "../src/components/aggregate/client/managed/types.js";
import { readReport } from "../src/components/aggregate/client/verification/index.js";
import { insertOperation } from "../src/components/aggregate/client/operations.js";
import { damage, damageNames } from "./aggregate/damages.js";
import {
  check,
  checkedHostOnEngine,
  checkedHostOnMock,
  component,
  source,
  type AppCtx,
  type CheckedHost,
  type OpenCheckedHost,
} from "./aggregate/checked-host.js";
import { expectedContents, truthOf } from "./aggregate/truth.js";
import { seededRandom } from "./random.js";

type StoredDocument = Parameters<typeof source.itemOf>[0];

const hosts: Record<string, OpenCheckedHost> = {
  "on the official mock": checkedHostOnMock,
  "on this engine": () => checkedHostOnEngine("memory"),
};

/** Fills the table and its aggregate: games of very different sizes. */
async function fill(host: CheckedHost, sizes: readonly number[], settings: object = {}): Promise<void> {
  await host.run(async (ctx) => {
    await ctx.runMutation(component.trees.clear, settings);
    for (const [game, size] of sizes.entries())
      for (let index = 0; index < size; index++) await addScore(ctx, `game ${game}`, (index * 37) % 101);
  });
}

async function addScore(ctx: AppCtx, game: string, score: number): Promise<void> {
  const bonus = score % 3 === 0 ? { bonus: score / 4 } : {};
  const id = await ctx.db.insert("scores", { game, score, ...bonus });
  const document = (await ctx.db.get(id)) as StoredDocument;
  await ctx.runMutation(component.writes.apply, { operations: [insertOperation(source.itemOf(document))] });
}

async function reportOf(host: CheckedHost, runId: string): Promise<VerifyReport> {
  const report = await host.run((ctx) => readReport(ctx, { component }, runId));
  if (report === null) throw new Error("there is no report");
  for (let cursor = report.continueCursor; cursor !== null;) {
    const page: VerifyReport | null = await host.run((ctx) =>
      readReport(ctx, { component }, runId, cursor ?? undefined),
    );
    report.differences.push(...(page?.differences ?? []));
    cursor = page?.continueCursor ?? null;
  }
  expect(report).toMatchObject({ isDone: true, error: null });
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  return report;
}

function findingsOf({ differences }: VerifyReport): string[] {
  return differences.flatMap(({ kind, id }) => (kind === "structure" ? [] : [`${kind} ${id}`])).toSorted();
}

/** Damaged namespaces as a report names them. */
function damagedIn({ differences }: VerifyReport): Set<unknown> {
  const structural = differences.filter(({ kind }) => kind === "structure");
  return new Set(structural.map(({ actual }) => (actual as { namespace?: unknown }).namespace));
}

for (const [where, open] of Object.entries(hosts)) {
  describe(`a check ${where}`, () => {
    test("of a healthy aggregate finds nothing, and looks at no item", async () => {
      const host = await open();
      await fill(host, [60, 7, 1]);
      const report = await reportOf(host, await check(host, {}));
      expect(report.differences).toEqual([]);
      expect(report).toMatchObject({ counts: { missing: 0, structure: 0 }, fixed: 0, repair: false });
    });

    test("finds each way of being damaged at any level, and a repair mends it and nothing else", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat(),
          fc.array(fc.constantFrom(...damageNames), { minLength: 1, maxLength: 3 }),
          fc.boolean(),
          async (seed, names, rootLazy) => {
            const host = await open();
            await fill(host, [40, 9, 3, 18], { maxNodeSize: 4, rootLazy });
            const random = seededRandom(seed);
            for (const name of names) await host.inside((ctx) => damage(ctx, name, random));
            const truth = await truthOf(host);
            const found = await reportOf(host, await check(host, {}));
            expect(findingsOf(found)).toEqual(truth.findings);
            expect(damagedIn(found).size).toBe(truth.damaged.size);
            expect(found.fixed).toBe(0);
            const repaired = await reportOf(host, await check(host, { repair: true }));
            expect(findingsOf(repaired)).toEqual(truth.findings);
            expect(repaired.fixed).toBe(repaired.differences.length);
            expect((await truthOf(host)).contents).toEqual(await expectedContents(host));
            const again = await reportOf(host, await check(host, {}));
            expect(again.differences).toEqual([]);
          },
        ),
        { numRuns: 30 },
      );
    });
  });
}
