/** Checks and repairs of damaged aggregates find each difference, name it rightly, mend it, and touch nothing else. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deleteOperation, replaceOperation } from "../../src/components/aggregate/client/operations.js";
import { damage, damageNames, driftNames } from "./damages.js";
import { check, component, source, type CheckedHost, type OpenCheckedHost } from "./checked-host.js";
import { addScores, damagedIn, expectMended, fillScores, findingsOf, reportOf } from "./checked-scores.js";
import { truthOf } from "./truth.js";
import { seededRandom } from "../setup/random.js";
import { runs } from "../setup/property-runs.js";

type StoredDocument = Parameters<typeof source.itemOf>[0];

/** Damages that leave the trees sound come first, because the others may leave no way to write to them. */
const someWays = fc
  .tuple(
    fc.array(fc.constantFrom(...driftNames), { maxLength: 4 }),
    fc.array(fc.constantFrom(...damageNames), { maxLength: 2 }),
  )
  .map(([drifts, damages]) => [...drifts, ...damages])
  .filter((ways) => ways.length > 0);

/** Writes to the table, followed by the aggregate; where its damage prevents that, neither is written. */
async function writeSomething(host: CheckedHost, random: () => number): Promise<void> {
  const kind = random();
  const [pick, score, game] = [random(), Math.floor(random() * 101), `game ${Math.floor(random() * 4)}`];
  const write = host.run(async (ctx) => {
    const documents = (await ctx.db.query("scores").collect()) as StoredDocument[];
    const before = documents[Math.floor(pick * documents.length)];
    if (kind < 0.3 || before === undefined) return addScores(ctx, [{ game, score }]);
    if (kind < 0.6) await ctx.db.delete(before._id);
    else await ctx.db.patch(before._id, kind < 0.8 ? { score } : { score, game });
    const after = (await ctx.db.get(before._id)) as StoredDocument | null;
    const item = source.itemOf(before);
    const operation =
      after === null
        ? deleteOperation("deleteIfExists", item)
        : replaceOperation("replaceOrInsert", item, source.itemOf(after));
    await ctx.runMutation(component.writes.apply, { operations: [operation] });
  });
  await write.catch(() => {});
}

export function verificationContract(where: string, open: OpenCheckedHost): void {
  describe(`a check ${where}`, () => {
    test("of a healthy aggregate finds nothing, and looks at no item", async () => {
      const host = await open();
      await fillScores(host, [60, 7, 1]);
      const report = await reportOf(host, await check(host, {}));
      expect(report.differences).toEqual([]);
      expect(report).toMatchObject({ counts: { missing: 0, structure: 0 }, fixed: 0, repair: false });
    });

    test.each([...driftNames, ...damageNames])("finds and mends alone: %s", async (way) => {
      const host = await open();
      await fillScores(host, [40, 9, 3, 18], { maxNodeSize: 4, rootLazy: false });
      const random = seededRandom(Number(process.env["TRUEUP_SEED"]));
      let truth = await truthOf(host);
      // At a random place, the change may happen to be no damage.
      while (truth.findings.length === 0 && truth.damaged.size === 0) {
        await host.inside((ctx) => damage(ctx, way, random));
        truth = await truthOf(host);
      }
      const repaired = await reportOf(host, await check(host, { repair: true }));
      expect(findingsOf(repaired)).toEqual(truth.findings);
      expect(damagedIn(repaired).size).toBe(truth.damaged.size);
      await expectMended(host);
    });

    test("tells an item in a wrong namespace from one in the right namespace of the same bucket", async () => {
      const host = await open();
      await fillScores(host, [2, 2]);
      await host.run(async (ctx) => {
        const document = (await ctx.db.query("scores").first()) as StoredDocument;
        const item = source.itemOf(document);
        const moved = replaceOperation("replace", item, { ...item, namespace: "game 1" });
        await ctx.runMutation(component.writes.apply, { operations: [moved] });
      });
      const report = await reportOf(host, await check(host, { repair: true }));
      expect(report.counts).toMatchObject({ wrongNamespace: 1, missing: 0 });
      expect(report.differences).toMatchObject([
        { expected: { namespace: "game 0", key: 0, sumValue: 0 }, actual: { namespace: "game 1" } },
      ]);
      await expectMended(host);
    });

    test("finds an empty tree whose root is another one's", async () => {
      const host = await open();
      await fillScores(host, [9, 0]);
      await host.inside(async (ctx) => {
        const [empty, full] = await ctx.db.query("trees").collect();
        if (empty === undefined || full === undefined) throw new Error("there should be two trees");
        await ctx.db.patch(full._id, { root: empty.root });
      });
      expect(damagedIn(await reportOf(host, await check(host, { repair: true }))).size).toBe(2);
      await expectMended(host);
    });

    test("finds each way of being damaged at any level, and a repair mends it and nothing else", async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(), someWays, fc.boolean(), async (seed, ways, rootLazy) => {
          const host = await open();
          await fillScores(host, [40, 9, 3, 18], { maxNodeSize: 4, rootLazy });
          const random = seededRandom(seed);
          for (const way of ways) await host.inside((ctx) => damage(ctx, way, random));
          const truth = await truthOf(host);
          const found = await reportOf(host, await check(host, {}));
          if (!truth.sharesNodes) expect(findingsOf(found)).toEqual(truth.findings);
          if (!truth.sharesNodes) expect(damagedIn(found).size).toBe(truth.damaged.size);
          if (truth.sharesNodes) expect(found.differences).not.toEqual([]);
          expect(found.fixed).toBe(0);
          expect((await truthOf(host)).findings).toEqual(truth.findings);
          const repaired = await reportOf(host, await check(host, { repair: true }));
          if (!truth.sharesNodes) expect(findingsOf(repaired)).toEqual(truth.findings);
          expect(repaired.fixed).toBe(repaired.differences.length);
          await expectMended(host);
        }),
        { numRuns: runs(8) },
      );
    });

    test("goes on from any step that did not commit, and reports each difference once", async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(), someWays, async (seed, ways) => {
          const host = await open();
          await fillScores(host, [40, 9], { maxNodeSize: 4 });
          const random = seededRandom(seed);
          for (const way of ways) await host.inside((ctx) => damage(ctx, way, random));
          const truth = await truthOf(host);
          const runId = await check(host, { repair: true }, undefined, (step) => (seed + step) % 3 === 0);
          if (!truth.sharesNodes) expect(findingsOf(await reportOf(host, runId))).toEqual(truth.findings);
          await expectMended(host);
        }),
        { numRuns: runs(4) },
      );
    });

    test("reports nothing that live writes do meanwhile, and a repair ends with the table's items", async () => {
      await fc.assert(
        fc.asyncProperty(fc.nat(), someWays, fc.boolean(), async (seed, ways, repair) => {
          const host = await open();
          await fillScores(host, [40, 9, 3], { maxNodeSize: 4 });
          const random = seededRandom(seed);
          for (const way of ways) await host.inside((ctx) => damage(ctx, way, random));
          const truth = await truthOf(host);
          const runId = await check(host, { repair }, async () => {
            for (let write = 0; write < 4; write++) await writeSomething(host, random);
          });
          const report = await reportOf(host, runId);
          // A write may mend a difference, or make it another one, before the check comes to it.
          const known = new Set(truth.findings.map((finding) => finding.split(" ").slice(1).join(" ")));
          const strangers = report.differences.filter(
            ({ kind, id }) => kind !== "structure" && !known.has(id),
          );
          if (!truth.sharesNodes) expect(strangers).toEqual([]);
          expect(damagedIn(report).size).toBeGreaterThanOrEqual(truth.damaged.size);
          if (!repair) return;
          // What was written through one of two trees with a node in common has damaged the other.
          if (truth.sharesNodes) await check(host, { repair });
          await expectMended(host);
        }),
        { numRuns: runs(5) },
      );
    });
  });
}
