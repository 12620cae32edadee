/** Managed aggregates are built from what a table holds, kept in step, and swapped when their definition changes. */
import { ConvexError } from "convex/values";
import { afterEach, describe, expect, test, vi } from "vitest";
import { aggregateComponent, type OpenHost } from "./hosts.js";
import { Board, declare, expectExact, managementOf } from "./managed-boards.js";
import { codeOf } from "./methods-contract.js";

const byScore = declare();
const byNegative = declare({ sortKey: (doc) => -doc.score });

export async function dataOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof ConvexError ? error.data : error;
}

export function managedContract(name: string, open: OpenHost): void {
  const newBoard = async (): Promise<Board> => new Board(await open());

  describe(`managed aggregates ${name}`, () => {
    afterEach(() => {
      vi.useRealTimers();
    });

    test("are built from what the table held before, and answer when they are checked", async () => {
      const board = await newBoard();
      await board.fill(300);
      await board.fill(20, "go");
      await board.build(byScore);
      await expectExact(board, byScore);
      const status = await board.host.run((ctx) => byScore.status(ctx));
      const { table, definition } = managementOf(byScore);
      expect(definition.startsWith(`${table}#`)).toBe(true);
      expect(status).toMatchObject({ state: "ready", definition, generation: 1, processed: 320, items: 320 });
      expect(status).toMatchObject({
        namespaces: 2,
        error: null,
        drift: 0,
        lastVerified: { differences: 0 },
      });
      expect(status.sum).toBe(await board.host.run((ctx) => byScore.sum(ctx, { namespaces: "all" })));
      expect(status.nodes).toBe((await board.stored()).nodes);
      expect(status.sizeBytes).toBeGreaterThan(320 * 40);
    });

    test("refuse every read until they are ready, and say how far they are", async () => {
      const board = await newBoard();
      await board.fill(300);
      const at = { namespace: "chess" };
      await board.host.run(async (ctx) => {
        expect(await dataOf(byScore.count(ctx, at))).toMatchObject({
          code: "AGGREGATE_BUILDING",
          status: "empty",
          processed: 0,
        });
        await managementOf(byScore).begin(ctx);
      });
      await board.step(byScore);
      await board.host.run(async (ctx) => {
        const data = await dataOf(byScore.count(ctx, at));
        expect(data).toMatchObject({ code: "AGGREGATE_BUILDING", status: "building" });
        const { processed, total } = data as { processed: number; total: number | null };
        expect(processed).toBeGreaterThan(0);
        expect(processed).toBeLessThan(300);
        expect([null, 300]).toContain(total);
        const doc = await ctx.db.query("scores").first();
        if (doc === null) throw new Error("there are scores");
        const reads = [
          byScore.countBatch(ctx, [at]),
          byScore.sum(ctx, at),
          byScore.sumBatch(ctx, [at]),
          byScore.at(ctx, 0, at),
          byScore.atBatch(ctx, [{ offset: 0, ...at }]),
          byScore.indexOf(ctx, 1, at),
          byScore.indexOfDoc(ctx, doc),
          byScore.min(ctx, at),
          byScore.max(ctx, at),
          byScore.random(ctx, at),
          byScore.sample(ctx, 2, at),
          byScore.stats(ctx, at),
          byScore.average(ctx, at),
          byScore.percentile(ctx, 50, at),
          byScore.percentiles(ctx, [50], at),
          byScore.histogram(ctx, [1], at),
          byScore.paginate(ctx, at),
          byScore.iter(ctx, at).next(),
          byScore.paginateNamespaces(ctx),
          byScore.count(ctx, { ...at, stale: true }),
        ];
        for (const read of reads) expect(await codeOf(read)).toBe("AGGREGATE_BUILDING");
      });
      await board.settle(byScore);
      await expectExact(board, byScore);
    });

    test("begin with the first write that they follow, strict or not", async () => {
      const board = await newBoard();
      await board.fill(100);
      board.followed = [byScore];
      const id = await board.insert(5);
      await board.write(async (ctx) => {
        const doc = await ctx.db.get("scores", id);
        if (doc === null) throw new Error("it was just inserted");
        // It does not matter what is there already.
        await byScore.insert(ctx, doc);
        await byScore.replace(ctx, { ...doc, score: 77 }, doc);
        await byScore.delete(ctx, { ...doc, score: 78 });
      });
      expect(await board.settle(byScore)).toBe("ready");
      await expectExact(board, byScore);
    });

    test("stay in step with writes before, at and behind the place that the build has come to", async () => {
      const board = await newBoard();
      await board.fill(400);
      board.followed = [byScore];
      await board.host.run((ctx) => managementOf(byScore).begin(ctx));
      for (let round = 0; ; round++) {
        const { due } = await board.step(byScore);
        await board.write(async (ctx) => {
          const docs = await ctx.db.query("scores").collect();
          for (const [index, { _id }] of docs.entries()) {
            if ((index + round) % 37 === 0) await ctx.db.delete(_id);
            else if ((index + round) % 23 === 0) await ctx.db.patch(_id, { score: index * round });
            else if ((index + round) % 31 === 0) {
              await ctx.db.patch(_id, { game: round % 2 ? "go" : "chess" });
            }
          }
          await ctx.db.insert("scores", { player: "new", game: "go", score: round });
        });
        if (!due) break;
      }
      await expectExact(board, byScore);
    });

    test("are built anew, beside, when the definition changes; the old one is cleared", async () => {
      const board = await newBoard();
      await board.fill(200);
      await board.build(byScore);
      board.followed = [byScore, byNegative];
      const candidate = managementOf(byNegative);
      await board.host.run((ctx) => candidate.begin(ctx, { standby: true }));
      // While it is built, the old one answers, and both are kept in step.
      for (let round = 0; (await board.step(byNegative)).state !== "ready"; round++) {
        await board.insert(round);
        await expectExact(board, byScore);
      }
      await board.insert(3);
      await expectExact(board, byScore);
      await expectExact(board, byNegative, (doc) => -doc.score);
      await board.host.run((ctx) => candidate.begin(ctx));
      board.followed = [byNegative];
      await board.insert(4);
      expect(await dataOf(board.host.run((ctx) => byScore.count(ctx, { namespace: "chess" })))).toMatchObject(
        {
          code: "AGGREGATE_BUILDING",
          status: "dropped",
        },
      );
      await board.settle(byNegative);
      expect(await board.stored()).toMatchObject({ generations: [2] });
      expect((await board.host.run((ctx) => byNegative.status(ctx))).nodes).toBe(
        (await board.stored()).nodes,
      );
      await expectExact(board, byNegative, (doc) => -doc.score);
    });

    test("are built anew when an older definition comes back", async () => {
      const board = await newBoard();
      await board.fill(50);
      await board.build(byScore);
      await board.build(byNegative);
      await board.insert(1);
      await board.host.run((ctx) => managementOf(byScore).begin(ctx));
      expect(await codeOf(board.host.run((ctx) => byScore.count(ctx, { namespace: "chess" })))).toBe(
        "AGGREGATE_BUILDING",
      );
      board.followed = [byScore];
      await board.insert(2);
      await board.settle(byScore);
      await expectExact(board, byScore);
      expect((await board.stored()).generations).toEqual([3]);
    });

    test("give up a standby that was never activated", async () => {
      const board = await newBoard();
      await board.fill(100);
      await board.build(byScore);
      await board.host.run((ctx) => managementOf(byNegative).begin(ctx, { standby: true }));
      await board.step(byNegative);
      await board.host.run((ctx) => managementOf(byScore).begin(ctx));
      await board.settle(byScore);
      expect((await board.stored()).generations).toEqual([1]);
      // It missed a write, so it must not be taken up again.
      await board.insert(1);
      await board.host.run((ctx) => managementOf(byNegative).begin(ctx, { standby: true }));
      board.followed = [byScore, byNegative];
      await board.settle(byNegative);
      await expectExact(board, byNegative, (doc) => -doc.score);
    });

    test("do not trust what they have built when not every write was followed", async () => {
      const board = await newBoard();
      await board.fill(50);
      await board.build(byScore);
      await board.fill(5);
      await board.host.run((ctx) => managementOf(byScore).begin(ctx, { fresh: true }));
      expect(await board.settle(byScore)).toBe("ready");
      await expectExact(board, byScore);
    });

    test("are built anew by clear, with its settings, while the old trees answer", async () => {
      const board = await newBoard();
      await board.fill(120);
      await board.build(byScore);
      await board.host.run((ctx) => byScore.clearAll(ctx, { maxNodeSize: 4 }));
      await board.step(byScore);
      await board.insert(9);
      await expectExact(board, byScore);
      await board.settle(byScore);
      await expectExact(board, byScore);
      const trees = await board.host.run((ctx) => ctx.runQuery(aggregateComponent.inspect.listTrees, {}));
      expect(trees.map(({ maxNodeSize }) => maxNodeSize)).toEqual(trees.map(() => 4));
      expect((await board.stored()).generations).toEqual([2]);
    });

    test("fail on a document that their functions refuse, name it, and go on when it is mended", async () => {
      const board = await newBoard();
      const picky = declare({
        version: "picky",
        sortKey: ({ score }) => {
          if (score < 0) throw new Error("no negative scores");
          return score;
        },
      });
      await board.fill(100);
      const poison = await board.insert(-1);
      await board.fill(100);
      await board.host.run((ctx) => managementOf(picky).begin(ctx));
      expect(await board.settle(picky)).toBe("failed");
      expect(await board.step(picky)).toMatchObject({ due: true, waitMs: 30_000, state: "failed" });
      const status = await board.host.run((ctx) => picky.status(ctx));
      expect(status).toMatchObject({ state: "failed", processed: 100, errorDocumentId: poison });
      expect(status.error).toContain("no negative scores");
      // Callers are told that it failed, and nothing of what is in the document.
      const told = await dataOf(board.host.run((ctx) => picky.count(ctx, { namespace: "chess" })));
      expect(told).toMatchObject({ code: "AGGREGATE_BUILDING", status: "failed" });
      expect(JSON.stringify(told)).not.toContain("negative");
      // Writes are followed all the same, except those that bring another one.
      board.followed = [picky];
      await board.insert(8);
      expect(await codeOf(board.insert(-2))).toBe("AGGREGATE_DOCUMENT_FAILED");
      await board.write((ctx) => ctx.db.patch(poison, { score: 1 }));
      expect(await board.settle(picky)).toBe("ready");
      expect(await board.host.run((ctx) => picky.status(ctx))).toMatchObject({
        error: null,
        errorDocumentId: null,
      });
      await expectExact(board, picky);
    });

    test("fail on functions that are not pure, instead of counting a document twice", async () => {
      const board = await newBoard();
      let calls = 0;
      const counting = declare({ version: "impure", sortKey: () => ++calls });
      await board.fill(20);
      await board.host.run((ctx) => managementOf(counting).begin(ctx));
      expect(await board.settle(counting)).toBe("failed");
      const status = await board.host.run((ctx) => counting.status(ctx));
      expect(status).toMatchObject({ processed: 0, error: expect.stringContaining("must be pure") });
    });

    test("fail on an item that the tree refuses, and name its document", async () => {
      const board = await newBoard();
      const byPlayer = declare({ version: "huge", sortKey: (doc) => doc.player as unknown as number });
      await board.fill(30);
      const huge = await board.host.run((ctx) =>
        ctx.db.insert("scores", { player: "x".repeat(100_000), game: "chess", score: 1 }),
      );
      await board.host.run((ctx) => managementOf(byPlayer).begin(ctx));
      expect(await board.settle(byPlayer)).toBe("failed");
      expect(await board.host.run((ctx) => byPlayer.status(ctx))).toMatchObject({
        processed: 30,
        errorDocumentId: huge,
      });
      await board.host.run((ctx) => ctx.db.delete(huge));
      expect(await board.settle(byPlayer)).toBe("ready");
    });

    test.each<[string, Parameters<typeof declare>[0]]>([
      ["sumValue returned a string", { sumValue: () => "1" as unknown as number }],
      ["sortKey returned a promise", { sortKey: () => Promise.resolve(1) as unknown as number }],
      ["sortKey returned undefined", { sortKey: () => undefined as unknown as number }],
    ])("say of a document that they fail on it when %s", async (reason, wrong) => {
      const board = await newBoard();
      const [first] = await board.fill(3).then(() => board.host.run((ctx) => ctx.db.query("scores").take(1)));
      const untyped = declare({ version: reason, ...wrong });
      await board.host.run((ctx) => managementOf(untyped).begin(ctx));
      expect(await board.settle(untyped)).toBe("failed");
      const status = await board.host.run((ctx) => untyped.status(ctx));
      expect(status).toMatchObject({
        errorDocumentId: first?._id,
        error: expect.stringContaining(reason),
      });
    });

    test("keep what each other declare of them when they are declared twice alike", async () => {
      const board = await newBoard();
      await board.fill(60);
      const again = declare();
      await board.build(byScore);
      board.followed = [byScore, again];
      await board.host.run((ctx) => managementOf(again).begin(ctx));
      const id = await board.insert(1);
      await board.write((ctx) => ctx.db.patch(id, { score: 2 }));
      await expectExact(board, again);
      await board.write((ctx) => ctx.db.delete(id));
      await expectExact(board, byScore);
      expect((await board.stored()).generations).toEqual([1]);
    });

    test("are another definition under another version, and the same one under the same", () => {
      const one = declare({ version: "1" });
      expect(managementOf(one).definition).toBe("scores@1");
      expect(managementOf(declare({ version: "1", sortKey: () => 0 })).definition).toBe("scores@1");
      expect(managementOf(byScore).definition).toBe(managementOf(declare()).definition);
      expect(managementOf(byScore).definition).not.toBe(managementOf(byNegative).definition);
    });

    test("are verified at an interval that is one, and have operations only when they name their table", () => {
      const every = (verifyEvery: object): number | null =>
        managementOf(declare({ verifyEvery })).verifyEveryMs;
      expect(managementOf(byScore).verifyEveryMs).toBeNull();
      expect(every({ hours: 1, minutes: 30, seconds: 1 })).toBe(5_401_000);
      expect(() => every({})).toThrow("INVALID_INTERVAL");
      expect(() => declare({ table: undefined }).operations("scores")).toThrow("AGGREGATE_UNMANAGED");
    });

    test("take queued writes in while they are built, and refuse reads until those are applied", async () => {
      const board = await newBoard();
      await board.fill(150);
      await board.host.run((ctx) => managementOf(byScore).begin(ctx));
      await board.step(byScore);
      await board.host.run(async (ctx) => {
        const [first, second] = await ctx.db.query("scores").take(2);
        if (first === undefined || second === undefined) throw new Error("there are scores");
        await ctx.db.patch(first._id, { score: 20_000 });
        await byScore.replace(ctx, first, { ...first, score: 20_000 }, { async: true });
        await ctx.db.delete(second._id);
        await byScore.delete(ctx, second, { async: true });
      });
      await board.host.drain();
      expect(await board.settle(byScore)).toBe("ready");
      await expectExact(board, byScore);
    });

    test("take deltas while they are built, and add in those that wait once they are ready", async () => {
      const board = await newBoard();
      await board.fill(150);
      board.followed = [byScore];
      await board.host.run(async (ctx) => {
        await byScore.useDeltas(ctx);
        await managementOf(byScore).begin(ctx);
      });
      await board.step(byScore);
      const change = (): Promise<void> =>
        board.write(async (ctx) => {
          const [first, second] = await ctx.db.query("scores").take(2);
          if (first === undefined || second === undefined) throw new Error("there are scores");
          await ctx.db.patch(first._id, { score: first.score + 1, game: "go" });
          await ctx.db.delete(second._id);
          await ctx.db.insert("scores", { player: "new", game: "go", score: 7 });
        });
      await change();
      expect(await board.settle(byScore)).toBe("ready");
      await change();
      await expectExact(board, byScore);
      await board.host.drain();
      await expectExact(board, byScore);
    });

    test("finish a build within the mutation that waits for it", async () => {
      const board = await newBoard();
      await board.fill(100);
      await board.host.run(async (ctx) => {
        await managementOf(byScore).begin(ctx);
        expect(await byScore.count(ctx, { namespace: "chess", whileBuilding: "wait" })).toBe(100);
      });
      await expectExact(board, byScore);
    });
  });
}
