/** Takes aggregates through random lives: after every step they answer as a sorted array does, and their trees are sound. */
import type { Value } from "convex/values";
import fc from "fast-check";
import { DirectAggregate } from "trueup/aggregate";
import { describe, expect, test } from "vitest";
import { float64, value as anyValue } from "../arbitraries/values.js";
import { AggregateModel, type ModelItem } from "./aggregate-model.js";
import { ask, expectedAnswers, history, perform, writeOf, type DirectType } from "./histories.js";
import { aggregateComponent, type AggregateHost, type OpenHost, type HostCtx } from "./hosts.js";

const namespaces = fc.constantFrom(undefined, undefined, null, "n", 0, ["n", 1n]);
const keys = fc.oneof(
  fc.integer({ min: 0, max: 9 }),
  fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom("a", "b")),
  anyValue,
);

/** Checks the structure of every tree, in parts of two leaves. */
export async function expectSoundTrees(ctx: HostCtx): Promise<void> {
  const trees: { namespace?: Value }[] = await ctx.runQuery(aggregateComponent.inspect.listTrees, {});
  for (const { namespace } of trees) {
    for (let from: string | null = ""; from !== null;) {
      const part: { problems: unknown[]; next: string | null } = await ctx.runQuery(
        aggregateComponent.inspect.validate,
        { from, leaves: 2, ...(namespace === undefined ? {} : { namespace }) },
      );
      expect(part.problems).toEqual([]);
      from = part.next;
    }
  }
}

export function historiesContract(open: OpenHost): void {
  describe("in random histories", () => {
    test("answer as a sorted array does after every step, for keys and sums of every kind", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(4, 6, 16),
          fc.boolean(),
          history({ keys, sums: float64, namespaces }, 40),
          async (maxNodeSize, rootLazy, steps) => {
            const host = await open();
            const model = new AggregateModel();
            const aggregate = new DirectAggregate<DirectType>(aggregateComponent);
            await host.run((ctx) => aggregate.clear(ctx, { namespace: undefined, maxNodeSize, rootLazy }));
            for (const step of steps) {
              const write = writeOf(step, model);
              const refusal = await host.run((ctx) => perform(aggregate, ctx, write));
              expect(refusal).toBe(model.write(write));
              await host.run(async (ctx) => {
                expect(await ask(aggregate, ctx, step.question)).toEqual(
                  expectedAnswers(model, step.question),
                );
                await expectSoundTrees(ctx);
              });
            }
          },
        ),
        { numRuns: 6 },
      );
    });
  });

  describe("keep the laws", () => {
    /** A full aggregate of numbers, some of them more than once. */
    async function filled(host: AggregateHost, maxNodeSize: number): Promise<DirectAggregate<DirectType>> {
      const aggregate = new DirectAggregate<DirectType>(aggregateComponent);
      await host.run(async (ctx) => {
        await aggregate.clear(ctx, { namespace: undefined, maxNodeSize });
        for (let index = 0; index < 60; index++) {
          await aggregate.insert(ctx, { key: (index * 7) % 40, id: `${index}`, sumValue: index / 10 });
        }
      });
      return aggregate;
    }

    test("the item at the index of an item is that item", async () => {
      const host = await open();
      const aggregate = await filled(host, 4);
      await host.run(async (ctx) => {
        for await (const { key, id } of aggregate.iter(ctx)) {
          const index = await aggregate.indexOf(ctx, key, { id });
          expect(await aggregate.at(ctx, index)).toMatchObject({ key, id });
          const fromEnd = await aggregate.indexOf(ctx, key, { id, order: "desc" });
          expect(await aggregate.at(ctx, -1 - fromEnd)).toMatchObject({ key, id });
        }
      });
    });

    test("the counts and sums of neighbouring ranges add up to those of the whole", async () => {
      const host = await open();
      const aggregate = await filled(host, 6);
      await host.run(async (ctx) => {
        const cuts = [3, 11, 11.5, 39];
        const ranges = [-1, ...cuts].map((lower, index) => ({
          bounds: {
            lower: { key: lower, inclusive: false },
            ...(index < cuts.length ? { upper: { key: cuts[index] ?? 0, inclusive: true } } : {}),
          },
        }));
        const counts = await aggregate.countBatch(ctx, ranges);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(await aggregate.count(ctx));
        const sums = await aggregate.sumBatch(ctx, ranges);
        expect(sums.reduce((sum, part) => sum + part, 0)).toBeCloseTo(await aggregate.sum(ctx), 9);
      });
    });

    test("the size of nodes changes no answer", async () => {
      const answers: ModelItem[][] = [];
      for (const maxNodeSize of [4, 16, 64]) {
        const host = await open();
        const aggregate = await filled(host, maxNodeSize);
        answers.push(await host.run(async (ctx) => (await aggregate.paginate(ctx, { pageSize: 100 })).page));
      }
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[2]).toEqual(answers[0]);
    });

    test("what is inserted and deleted again leaves no trace", async () => {
      const host = await open();
      const aggregate = await filled(host, 4);
      const before = await host.run((ctx) => aggregate.sum(ctx));
      for (const sumValue of [1e20, NaN, Infinity, -Infinity, 5e-324, 0.1, -1e308, -1e308]) {
        await host.run((ctx) => aggregate.insert(ctx, { key: 20.5, id: "guest", sumValue }));
        await host.run((ctx) => aggregate.delete(ctx, { key: 20.5, id: "guest" }));
        expect(await host.run((ctx) => aggregate.sum(ctx))).toBe(before);
      }
      await host.run(expectSoundTrees);
    });
  });
}
