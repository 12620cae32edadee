/** Deltas are appended beside the trees, added in by every read, and brought into the trees by the worker. */
import type { Value } from "convex/values";
import fc from "fast-check";
import { DirectAggregate } from "trueup/aggregate";
import { describe, expect, test } from "vitest";
import { AggregateModel } from "./aggregate-model.js";
import { ask, expectedAnswers, history, perform, writeOf, type DirectType } from "./histories.js";
import { expectSoundTrees } from "./histories-contract.js";
import { aggregateComponent, type AggregateHost, type HostCtx, type OpenHost } from "./hosts.js";
import { codeOf } from "./methods-contract.js";

interface Numbers {
  Key: number;
  Id: string;
}

const namespaces = fc.constantFrom<Value | undefined>(undefined, "n", ["n", 1n]);
const keys = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom("a", "b", null));
const sums = fc.double({ noNaN: true });

export function deltasContract(open: OpenHost): void {
  const asDeltas = new DirectAggregate<Numbers>(aggregateComponent, { deltas: true });
  const numbers = new DirectAggregate<Numbers>(aggregateComponent);

  function statusIn(ctx: HostCtx): Promise<unknown> {
    return ctx.runQuery(aggregateComponent.queue.status, {});
  }

  function statusOf(host: AggregateHost): Promise<unknown> {
    return host.run(statusIn);
  }

  async function keysOf(ctx: HostCtx): Promise<number[]> {
    return (await numbers.paginate(ctx)).page.map(({ key }) => key);
  }

  describe("deltas", () => {
    test("are in every answer at once, as a sorted array has them, whenever the worker comes", async () => {
      await fc.assert(
        fc.asyncProperty(
          history({ keys, sums, namespaces }, 30),
          fc.integer({ min: 1, max: 4 }),
          fc.integer({ min: 3, max: 12 }),
          async (steps, perTransaction, perDrain) => {
            const host = await open();
            const model = new AggregateModel();
            const aggregate = new DirectAggregate<DirectType>(aggregateComponent, { deltas: true });
            for (let start = 0; start < steps.length; start += perTransaction) {
              await host.run(async (ctx) => {
                for (const step of steps.slice(start, start + perTransaction)) {
                  const write = writeOf(step, model);
                  expect(await perform(aggregate, ctx, write)).toBe(model.write(write));
                  const expected = expectedAnswers(model, step.question);
                  expect(await ask(aggregate, ctx, step.question)).toEqual(expected);
                  expect(await aggregate.count(ctx, { namespaces: "all" })).toBe(model.everything().length);
                }
              });
              if (start % perDrain === 0) await host.drain();
            }
            await host.drain();
            await host.run(async (ctx) => {
              for (const step of steps) {
                expect(await ask(aggregate, ctx, step.question)).toEqual(
                  expectedAnswers(model, step.question),
                );
              }
              await expectSoundTrees(ctx);
            });
            expect(await statusOf(host)).toMatchObject({ pendingOperations: 0, hasDeadLetters: false });
          },
        ),
        { numRuns: 5 },
      );
    });

    test("wait beside the trees until the worker folds them", async () => {
      const host = await open();
      await host.run(async (ctx) => {
        for (const key of [3, 1, 2]) await asDeltas.insert(ctx, { key, id: "a", sumValue: key });
        expect(await keysOf(ctx)).toEqual([1, 2, 3]);
        expect(await ctx.runQuery(aggregateComponent.inspect.listTrees, {})).toEqual([]);
        // Afterwards the worker may have folded them.
        expect(await statusIn(ctx)).toMatchObject({ pendingOperations: 3 });
      });
      expect(await host.run((ctx) => numbers.sum(ctx))).toBe(6);
      await host.drain();
      expect(await statusOf(host)).toMatchObject({ pendingOperations: 0, state: "idle" });
      await host.run(async (ctx) => {
        expect(await ctx.runQuery(aggregateComponent.inspect.listTrees, {})).toHaveLength(1);
        expect(await keysOf(ctx)).toEqual([1, 2, 3]);
      });
    });

    test("that would be refused are, whether what they meet is in the tree, waits, or is as new as they", async () => {
      const host = await open();
      await host.run((ctx) => numbers.insert(ctx, { key: 1, id: "a" }));
      await host.run((ctx) => asDeltas.insert(ctx, { key: 2, id: "a" }));
      await host.run(async (ctx) => {
        await asDeltas.insert(ctx, { key: 3, id: "a" });
        for (const key of [1, 2, 3]) {
          expect(await codeOf(asDeltas.insert(ctx, { key, id: "a" }))).toBe("DUPLICATE_KEY");
          await asDeltas.delete(ctx, { key, id: "a" });
          expect(await codeOf(asDeltas.delete(ctx, { key, id: "a" }))).toBe("DELETE_MISSING_KEY");
          await asDeltas.insert(ctx, { key, id: "a" });
        }
        const large = { key: 4, id: "x".repeat(200_000) };
        expect(await codeOf(asDeltas.insert(ctx, large))).toBe("ITEM_TOO_LARGE");
        expect(await keysOf(ctx)).toEqual([1, 2, 3]);
      });
    });

    test("are what all writes are when the component is set so, and none when it is set back", async () => {
      const host = await open();
      await host.run((ctx) => numbers.useDeltas(ctx));
      await host.run(async (ctx) => {
        await numbers.insert(ctx, { key: 1, id: "a" });
        await numbers.insert(ctx, { key: 2, id: "a" }, { async: true });
        expect(await keysOf(ctx)).toEqual([1, 2]);
        expect(await statusIn(ctx)).toMatchObject({ pendingOperations: 2 });
      });
      await host.run((ctx) => numbers.useDeltas(ctx, false));
      // A direct write also folds those that wait.
      await host.run((ctx) => numbers.insert(ctx, { key: 3, id: "a" }));
      expect(await statusOf(host)).toMatchObject({ pendingOperations: 0 });
      expect(await host.run(keysOf)).toEqual([1, 2, 3]);
      await host.drain();
      expect(await host.run(keysOf)).toEqual([1, 2, 3]);
      await host.run(expectSoundTrees);
    });

    test("are cleared with the tree, and queued writes go before and after them in order", async () => {
      const host = await open();
      await host.run((ctx) => asDeltas.insert(ctx, { key: 1, id: "a" }));
      await host.run((ctx) => numbers.clear(ctx));
      expect(await host.run(keysOf)).toEqual([]);
      await host.run((ctx) => asDeltas.insert(ctx, { key: 1, id: "a", sumValue: 1 }));
      const queued = { async: true };
      // All this is one transaction, because the worker of the queue may run right after it.
      await host.run(async (ctx) => {
        await numbers.replace(ctx, { key: 1, id: "a" }, { key: 2, sumValue: 2 }, queued);
        await asDeltas.insertIfDoesNotExist(ctx, { key: 2, id: "a", sumValue: 3 });
        expect(await codeOf(numbers.count(ctx))).toBe("PENDING_OPERATIONS");
        expect(await numbers.sum(ctx, { stale: true })).toBe(1);
      });
      await host.drain();
      expect(await host.run((ctx) => numbers.sum(ctx))).toBe(3);
      expect(await statusOf(host)).toMatchObject({ hasDeadLetters: false });
    });

    test("that only just made a namespace list it", async () => {
      const host = await open();
      const byGame = new DirectAggregate<Numbers & { Namespace: string }>(aggregateComponent, {
        deltas: true,
      });
      const direct = new DirectAggregate<Numbers & { Namespace: string }>(aggregateComponent);
      await host.run((ctx) => direct.insert(ctx, { namespace: "chess", key: 1, id: "a" }));
      await host.run(async (ctx) => {
        for (const namespace of ["go", "backgammon"]) {
          await byGame.insert(ctx, { namespace, key: 1, id: "a" });
        }
        const pages = [];
        for (let cursor: string | undefined, isDone = false; !isDone;) {
          const part = await byGame.paginateNamespaces(ctx, cursor, 2);
          pages.push(part.page);
          ({ cursor, isDone } = part);
        }
        expect(pages.flat()).toEqual(["backgammon", "chess", "go"]);
      });
    });
  });
}
