/** Averages, extremes, percentiles, histograms, samples and pages by offset, of one namespace and of several. */
import type { Value } from "convex/values";
import fc from "fast-check";
import { DirectAggregate, TableAggregate, type NamespaceSet } from "trueup/aggregate";
import { describe, expect, test } from "vitest";
import { float64 } from "../arbitraries/values.js";
import { compareValues } from "../../src/values/index.js";
import { trueSum } from "./aggregate-model.js";
import { expectSoundTrees } from "./histories-contract.js";
import { aggregateComponent, type HostCtx, type HostDataModel, type OpenHost } from "./hosts.js";
import { codeOf } from "./methods-contract.js";

interface Flights {
  Key: number;
  Id: string;
  Namespace: [string, number];
  Values: "delay" | "distance";
}

interface Flight {
  readonly namespace: [string, number];
  readonly key: number;
  readonly id: string;
  readonly sumValue: number;
  readonly sumValues: { readonly delay?: number; readonly distance: number };
}

const flight: fc.Arbitrary<Flight> = fc.record({
  namespace: fc.tuple(fc.constantFrom("eu", "us"), fc.integer({ min: 1, max: 2 })),
  key: fc.integer({ min: 0, max: 12 }),
  id: fc.constantFrom("a", "b", "c"),
  sumValue: float64,
  sumValues: fc.record(
    { delay: float64, distance: fc.integer({ max: 100 }) },
    { requiredKeys: ["distance"] },
  ),
});

const sets: Record<
  string,
  { set: NamespaceSet<[string, number]>; has: (namespace: [string, number]) => boolean }
> = {
  all: { set: "all", has: () => true },
  listed: {
    set: [
      ["us", 1],
      ["eu", 2],
      ["nowhere", 0],
    ],
    has: ([place, n]) => (place === "us") === (n === 1),
  },
  prefixed: { set: { prefix: ["eu"] }, has: ([place]) => place === "eu" },
};

export function statisticsContract(open: OpenHost): void {
  const flights = new DirectAggregate<Flights>(aggregateComponent);
  const numbers = new DirectAggregate<{ Key: number; Id: string }>(aggregateComponent);

  /** Inserts what differs in namespace, key and id; takes some of it away again; returns what is left, in order. */
  async function fill(ctx: HostCtx, drawn: readonly Flight[]): Promise<Flight[]> {
    const byName = new Map(drawn.map((one) => [JSON.stringify([one.namespace, one.key, one.id]), one]));
    const distinct = [...byName.values()];
    await flights.writeBatch(
      ctx,
      distinct.map((one) => ({ type: "insert", ...one })),
    );
    const gone = distinct.filter((_, index) => index % 3 === 2);
    await flights.writeBatch(
      ctx,
      gone.map((one) => ({ type: "delete", ...one })),
    );
    const left = distinct.filter((one) => !gone.includes(one));
    return left.toSorted(
      (a, b) => a.key - b.key || compareValues(a.id, b.id) || compareValues(a.namespace, b.namespace),
    );
  }

  function placesOf(items: readonly { namespace?: Value; key: number; id: string }[]): Value[][] {
    return items.map(({ namespace, key, id }) => [namespace ?? null, key, id]);
  }

  describe("statistics", () => {
    test.each(Object.entries(sets))(
      "of several namespaces (%s) are those of their items together",
      async (_, { set, has }) => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(flight, { maxLength: 60, size: "max" }),
            fc.option(fc.integer({ min: 0, max: 12 })),
            fc.integer({ min: 1, max: 30 }),
            async (drawn, lowest, offset) => {
              const host = await open();
              await host.run(async (ctx) => {
                await flights.clear(ctx, { namespace: ["us", 1], maxNodeSize: 4 });
                const left = await fill(ctx, drawn);
                const items = left.filter(({ namespace, key }) => has(namespace) && key >= (lowest ?? 0));
                const bounds = lowest === null ? {} : { lower: { key: lowest, inclusive: true } };
                const about = { namespaces: set, bounds };

                expect(await flights.count(ctx, about)).toBe(items.length);
                expect(await flights.sum(ctx, about)).toBe(trueSum(items.map(({ sumValue }) => sumValue)));
                const delays = items.flatMap(({ sumValues: { delay } }) =>
                  delay === undefined ? [] : [delay],
                );
                const sum = trueSum(delays);
                const [smallest = null] = delays.toSorted(compareValues);
                expect(await flights.stats(ctx, { ...about, of: "delay" })).toEqual({
                  count: delays.length,
                  sum,
                  average: delays.length === 0 ? null : sum / delays.length,
                  min: smallest,
                  max: delays.toSorted(compareValues).at(-1) ?? null,
                });
                const page = await flights.paginate(ctx, { ...about, pageSize: 7 });
                const rest = await flights.paginate(ctx, { ...about, cursor: page.cursor });
                expect(placesOf([...page.page, ...rest.page])).toEqual(placesOf(items));
                const backwards = await flights.paginate(ctx, {
                  ...about,
                  order: "desc",
                  offset,
                  pageSize: 3,
                });
                expect(placesOf(backwards.page)).toEqual(
                  placesOf(items.toReversed().slice(offset, offset + 3)),
                );
                expect(
                  placesOf((await flights.paginate(ctx, { ...about, offset, pageSize: 3 })).page),
                ).toEqual(placesOf(items.slice(offset, offset + 3)));
                for (const at of [offset, -offset]) {
                  const expected = items.at(at);
                  const found = flights.at(ctx, at, about);
                  if (expected === undefined) expect(await codeOf(found)).toBe("OFFSET_OUT_OF_RANGE");
                  else expect(placesOf([await found])).toEqual(placesOf([expected]));
                }
                expect(await flights.indexOf(ctx, 6, { namespaces: set })).toBe(
                  left.filter(({ namespace, key }) => has(namespace) && key < 6).length,
                );
                const histogram = await flights.histogram(ctx, [3, 6, 7], about);
                const within = (from: number, to: number) =>
                  items.filter(({ key }) => key >= from && key < to).length;
                expect(histogram).toEqual([within(-1, 3), within(3, 6), within(6, 7), within(7, 99)]);
                const percents = [0, 25, 50, 99, 100];
                const ranks = percents.map((percent) =>
                  Math.max(0, Math.ceil((percent * items.length) / 100) - 1),
                );
                expect(placesOf(await flights.percentiles(ctx, percents, about))).toEqual(
                  placesOf(ranks.flatMap((rank) => items[rank] ?? [])),
                );
                await expectSoundTrees(ctx);
              });
            },
          ),
          { numRuns: 4 },
        );
      },
    );

    test("follow every change of a document's numbers", async () => {
      const host = await open();
      const byScore = new TableAggregate<{
        Key: string;
        DataModel: HostDataModel;
        TableName: "scores";
        Values: "score" | "even";
      }>(aggregateComponent, {
        sortKey: (doc) => doc.player,
        sumValues: {
          score: (doc) => doc.score,
          even: (doc) => (doc.score % 2 === 0 ? doc.score : undefined),
        },
      });
      await host.run(async (ctx) => {
        const docs = [];
        for (const score of [3, 8, 5]) {
          const id = await ctx.db.insert("scores", { player: `p${score}`, game: "go", score });
          docs.push({ _id: id, _creationTime: 0, player: `p${score}`, game: "go", score });
        }
        const [first, second] = docs;
        if (first === undefined || second === undefined) return;
        await byScore.writeBatch(
          ctx,
          docs.map((doc) => ({ type: "insert", doc })),
        );
        expect(await byScore.stats(ctx, { of: "score" })).toEqual({
          count: 3,
          sum: 16,
          average: 16 / 3,
          min: 3,
          max: 8,
        });
        expect(await byScore.stats(ctx, { of: "even" })).toEqual({
          count: 1,
          sum: 8,
          average: 8,
          min: 8,
          max: 8,
        });
        await byScore.replace(ctx, second, { ...second, score: 4 });
        expect(await byScore.maxValue(ctx, { of: "score" })).toBe(5);
        await byScore.delete(ctx, first);
        expect(await byScore.minValue(ctx, { of: "score" })).toBe(4);
        expect(await byScore.average(ctx, { of: "score" })).toBe(4.5);
        expect(await byScore.sum(ctx, { of: "even" })).toBe(4);
        expect(await byScore.sum(ctx)).toBe(0);
        expect(await byScore.average(ctx)).toBeNull();
        expect(await byScore.at(ctx, 0)).toMatchObject({ key: "p5", sumValue: 0, sumValues: { score: 5 } });
      });
    });

    test("take the nearest rank for a percentile", async () => {
      const host = await open();
      await host.run(async (ctx) => {
        expect(await numbers.percentile(ctx, 50)).toBeNull();
        for (let key = 1; key <= 10; key++) await numbers.insert(ctx, { key, id: "a" });
        const found = await numbers.percentiles(ctx, [0, 10, 11, 50, 95, 99.9, 100]);
        expect(found.map(({ key }) => key)).toEqual([1, 1, 2, 5, 10, 10, 10]);
        expect(await codeOf(numbers.percentile(ctx, 101))).toBe("INVALID_PERCENTILE");
        expect(await codeOf(numbers.histogram(ctx, [2, 2]))).toBe("INVALID_EDGES");
        expect(await codeOf(numbers.paginate(ctx, { offset: -1 }))).toBe("INVALID_OFFSET");
      });
    });

    test("draw samples without repeats, in which every item comes equally often", async () => {
      const host = await open();
      await host.run(async (ctx) => {
        for (let key = 0; key < 6; key++) await numbers.insert(ctx, { key, id: "a" });
        const drawn = new Map<number, number>();
        for (let round = 0; round < 400; round++) {
          const keys = (await numbers.sample(ctx, 2)).map(({ key }) => key);
          expect(new Set(keys).size).toBe(2);
          for (const key of keys) drawn.set(key, (drawn.get(key) ?? 0) + 1);
        }
        // 133 each on average, with a standard deviation below 10.
        for (let key = 0; key < 6; key++) expect(Math.abs((drawn.get(key) ?? 0) - 133)).toBeLessThan(60);
        expect((await numbers.sample(ctx, 9)).map(({ key }) => key)).toEqual([0, 1, 2, 3, 4, 5]);
        expect(await numbers.sample(ctx, 0)).toEqual([]);
      });
    });
  });
}
