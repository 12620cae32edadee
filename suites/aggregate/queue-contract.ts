/** Queued writes are applied in order by the worker and never lost; reads that would miss them are refused. */
import { DirectAggregate, TableAggregate } from "trueup/aggregate";
import { describe, expect, test, vi } from "vitest";
import { expectSoundTrees } from "./histories-contract.js";
import {
  aggregateComponent,
  type AggregateHost,
  type OpenHost,
  type HostCtx,
  type HostDataModel,
} from "./hosts.js";
import { codeOf } from "./methods-contract.js";

interface Numbers {
  Key: number;
  Id: string;
}

const queuedOptions = { async: true };
const firstPage = { paginationOpts: { numItems: 100, cursor: null } };

export function queueContract(open: OpenHost): void {
  const numbers = new DirectAggregate<Numbers>(aggregateComponent);

  async function keysOf(host: AggregateHost): Promise<number[]> {
    const { page } = await host.run((ctx) => numbers.paginate(ctx));
    return page.map(({ key }) => key);
  }

  function deadLetters(
    host: AggregateHost,
  ): Promise<{ page: { _id: string; operation: unknown; error: string }[] }> {
    return host.run((ctx) => ctx.runQuery(aggregateComponent.deadLetter.list, firstPage));
  }

  function statusIn(ctx: HostCtx): Promise<unknown> {
    return ctx.runQuery(aggregateComponent.queue.status, {});
  }

  function statusOf(host: AggregateHost): Promise<unknown> {
    return host.run(statusIn);
  }

  describe("queued writes", () => {
    test("are applied in their order, across transactions and within them", async () => {
      const host = await open();
      await host.run(async (ctx) => {
        await numbers.insert(ctx, { key: 1, id: "a", sumValue: 5 }, queuedOptions);
        await numbers.replace(ctx, { key: 1, id: "a" }, { key: 2, sumValue: 6 }, queuedOptions);
        expect(await statusIn(ctx)).toMatchObject({ state: "running", pendingOperations: 2 });
      });
      await host.run(async (ctx) => {
        const { pendingOperations: waiting } = (await statusIn(ctx)) as { pendingOperations: number };
        await numbers.enqueueBatch(ctx, [
          { type: "insertIfDoesNotExist", key: 3, id: "b", sumValue: 1 },
          { type: "replaceOrInsert", currentItem: { key: 3, id: "b" }, newItem: { key: 4, sumValue: 2 } },
          { type: "deleteIfExists", key: 9, id: "b" },
          { type: "insert", key: 5, id: "c" },
          { type: "delete", key: 5, id: "c" },
        ]);
        // The worker may have applied the first ones by now.
        expect([0, 2]).toContain(waiting);
        expect(await statusIn(ctx)).toMatchObject({ state: "running", pendingOperations: waiting + 5 });
      });
      await host.drain();
      expect(await keysOf(host)).toEqual([2, 4]);
      expect(await host.run((ctx) => numbers.sum(ctx))).toBe(8);
      expect(await statusOf(host)).toEqual({
        state: "idle",
        pendingOperations: 0,
        hasMore: false,
        hasDeadLetters: false,
      });
      await host.run(expectSoundTrees);
    });

    test("and others do not mix, but stale reads go on", async () => {
      const host = await open();
      await host.run((ctx) => numbers.insert(ctx, { key: 1, id: "a" }));
      // All this is one transaction, because the worker of the queue may run right after it.
      await host.run(async (ctx) => {
        await numbers.insert(ctx, { key: 2, id: "b" }, queuedOptions);
        expect(await codeOf(numbers.count(ctx))).toBe("PENDING_OPERATIONS");
        expect(await codeOf(numbers.paginateNamespaces(ctx))).toBe("PENDING_OPERATIONS");
        expect(await codeOf(numbers.insert(ctx, { key: 3, id: "c" }))).toBe("PENDING_OPERATIONS");
        expect(await codeOf(numbers.clear(ctx))).toBe("PENDING_OPERATIONS");
        expect(await numbers.count(ctx, { stale: true })).toBe(1);
        expect(await numbers.at(ctx, 0, { stale: true })).toMatchObject({ key: 1 });
      });
      await host.drain();
      expect(await keysOf(host)).toEqual([1, 2]);
    });

    test("that are refused become dead letters, and the others are applied", async () => {
      const host = await open();
      vi.spyOn(console, "error").mockImplementation(() => undefined);
      await host.run((ctx) =>
        numbers.enqueueBatch(ctx, [
          { type: "insert", key: 1, id: "a" },
          { type: "delete", key: 99, id: "x" },
          { type: "insert", key: 2, id: "a" },
          { type: "replace", currentItem: { key: 1, id: "a" }, newItem: { key: 2 } },
          { type: "insert", key: 3, id: "a" },
        ]),
      );
      await host.drain();
      expect(await keysOf(host)).toEqual([1, 2, 3]);
      const { page } = await deadLetters(host);
      expect(page).toMatchObject([
        {
          operation: { type: "delete", key: 99, id: "x" },
          error: expect.stringContaining("DELETE_MISSING_KEY"),
        },
        { operation: { type: "replace" }, error: expect.stringContaining("already exists") },
      ]);
      await host.run(expectSoundTrees);
      vi.restoreAllMocks();
    });

    test("that became dead letters can be looked at, tried again, and thrown away", async () => {
      const host = await open();
      vi.spyOn(console, "error").mockImplementation(() => undefined);
      const { deadLetter } = aggregateComponent;
      for (const key of [1, 2, 3]) {
        await host.run((ctx) => numbers.delete(ctx, { key, id: "a" }, queuedOptions));
      }
      await host.drain();
      await host.run(async (ctx: HostCtx) => {
        const first = await ctx.runQuery(deadLetter.list, { paginationOpts: { numItems: 2, cursor: null } });
        expect(first).toMatchObject({
          isDone: false,
          page: [{ operation: { key: 1 } }, { operation: { key: 2 } }],
        });
        const rest = await ctx.runQuery(deadLetter.list, {
          paginationOpts: { numItems: 2, cursor: first.continueCursor },
        });
        expect(rest).toMatchObject({ isDone: true, page: [{ operation: { key: 3 } }] });
        const newest = await ctx.runQuery(deadLetter.list, { ...firstPage, order: "desc" });
        expect(newest.page[0]).toMatchObject({ operation: { key: 3 } });
        const [one = "", two = ""] = first.page.map(({ _id }) => _id);
        expect(await ctx.runQuery(deadLetter.get, { id: one })).toMatchObject({ operation: { key: 1 } });
        expect(await ctx.runMutation(deadLetter.delete_, { id: one })).toBe(true);
        expect(await ctx.runMutation(deadLetter.delete_, { id: one })).toBe(false);
        expect(await ctx.runQuery(deadLetter.get, { id: one })).toBeNull();
        await numbers.insert(ctx, { key: 2, id: "a" });
        expect(await ctx.runMutation(deadLetter.retry, { id: two })).toBe(true);
      });
      await host.drain();
      expect(await keysOf(host)).toEqual([]);
      expect((await deadLetters(host)).page).toMatchObject([{ operation: { key: 3 } }]);
      vi.restoreAllMocks();
    });

    test("come in any number and size", async () => {
      const host = await open();
      const operations = Array.from({ length: 1200 }, (_, key) => ({
        type: "insert" as const,
        key,
        id: "a",
      }));
      await host.run((ctx) => numbers.enqueueBatch(ctx, operations));
      const large = new DirectAggregate<{ Key: string; Id: string }>(aggregateComponent);
      for (let index = 0; index < 3; index++) {
        await host.run((ctx) =>
          large.insert(ctx, { key: "x".repeat(60_000), id: `${index}` }, queuedOptions),
        );
      }
      await host.drain();
      expect(await host.run((ctx) => numbers.count(ctx))).toBe(1203);
    });

    test("wake the worker again after it went to sleep", async () => {
      const host = await open();
      for (const key of [1, 2]) {
        await host.run((ctx) => numbers.insert(ctx, { key, id: "a" }, queuedOptions));
        await host.drain();
      }
      expect(await keysOf(host)).toEqual([1, 2]);
    });

    test("come from tables and triggers too", async () => {
      const host = await open();
      const byScore = new TableAggregate<{ Key: number; DataModel: HostDataModel; TableName: "scores" }>(
        aggregateComponent,
        { sortKey: (doc) => doc.score },
      );
      await host.run(async (ctx) => {
        const id = await ctx.db.insert("scores", { player: "ann", game: "chess", score: 3 });
        const doc = await ctx.db.get("scores", id);
        if (doc === null) return;
        await byScore.trigger(queuedOptions)(ctx, { id, operation: "insert", oldDoc: null, newDoc: doc });
        const better = { ...doc, score: 4 };
        await byScore.enqueueBatch(ctx, [{ type: "replace", oldDoc: doc, newDoc: better }]);
      });
      await host.drain();
      expect(await host.run((ctx) => byScore.max(ctx))).toMatchObject({ key: 4 });
    });
  });
}
