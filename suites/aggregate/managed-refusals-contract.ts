/** What managed aggregates refuse: documents, which are named, other classes in their component, and writes from queries. */
import { describe, expect, test, vi, afterEach } from "vitest";
import { aggregateComponent, type HostCtx, type OpenHost } from "./hosts.js";
import { Board, declare, expectExact, managementOf } from "./managed-boards.js";
import { dataOf } from "./managed-contract.js";
import { codeOf } from "./methods-contract.js";

const byScore = declare();

export function managedRefusalsContract(name: string, open: OpenHost): void {
  const newBoard = async (): Promise<Board> => new Board(await open());

  describe(`managed aggregates ${name}`, () => {
    afterEach(() => {
      vi.useRealTimers();
    });

    test("name the document of a write whose item is too large, managed or not", async () => {
      const sortKey = (doc: { player: string }): number => doc.player as unknown as number;
      for (const table of ["scores", undefined] as const) {
        const { host } = await newBoard();
        const byPlayer = declare({ table, version: "huge", sortKey });
        const [id, data] = await host.run(async (ctx) => {
          const id = await ctx.db.insert("scores", { player: "y".repeat(100_000), game: "go", score: 1 });
          return [id, await dataOf(byPlayer.insert(ctx, (await ctx.db.get("scores", id)) as never))];
        });
        expect(data).toMatchObject({ code: "ITEM_TOO_LARGE", documentId: id });
      }
    });

    test.each<[string, Partial<Parameters<typeof declare>[0]>]>([
      [
        "sortKey returned an array with undefined at [1]",
        { sortKey: (doc) => [doc.game, undefined] as never },
      ],
      ["sortKey returned a Date", { sortKey: () => new Date() as never }],
      [
        "sortKey returned an object with a Map at .by.score",
        { sortKey: () => ({ by: { score: new Map() } }) as never },
      ],
      ["sortKey returned a bigint of more than 64 bits", { sortKey: () => (2n ** 63n) as never }],
      ["namespace returned a function", { namespace: () => (() => {}) as never }],
      [
        "namespace returned an array with a Uint8Array at [0].of",
        { namespace: () => [{ of: new Uint8Array(1) }] as never },
      ],
      ["sumValue returned null", { sumValue: () => null as never }],
      ["sumValue returned an array", { sumValue: () => [1] as never }],
      ["sumValue returned a bigint", { sumValue: () => 1n as never }],
      ["sumValue returned an object", { sumValue: () => ({}) as never }],
    ])("name the document of a write when %s, managed or not", async (reason, wrong) => {
      for (const table of ["scores", undefined] as const) {
        const board = await newBoard();
        const untyped = declare({ version: reason, table, ...wrong });
        const [id, data] = await board.host.run(async (ctx) => {
          const id = await ctx.db.insert("scores", { player: "p", game: "go", score: 1 });
          return [id, await dataOf(untyped.insert(ctx, (await ctx.db.get("scores", id)) as never))];
        });
        expect(data).toMatchObject({
          code: "AGGREGATE_DOCUMENT_FAILED",
          documentId: id,
          message: expect.stringContaining(reason),
        });
      }
    });

    test("share their component with no class that names no table, whichever came first", async () => {
      const board = await newBoard();
      const plain = declare({ table: undefined });
      const at = { namespace: "chess" };
      await board.fill(3);
      const uses = (ctx: HostCtx, doc: never): (() => Promise<unknown>)[] => [
        async () => plain.count(ctx, at),
        async () => plain.max(ctx, at),
        async () => plain.paginate(ctx, at),
        async () => plain.paginateNamespaces(ctx),
        () => plain.insertIfDoesNotExist(ctx, doc),
        () => plain.delete(ctx, doc),
        () => plain.insert(ctx, doc, { async: true }),
        () => plain.verification("scores").start(ctx),
      ];
      await board.host.run(async (ctx) => {
        const doc = (await ctx.db.query("scores").first()) as never;
        await plain.insert(ctx, doc);
        expect(await plain.count(ctx, at)).toBe(1);
        await managementOf(byScore).begin(ctx);
        for (const use of uses(ctx, doc)) expect(await codeOf(use())).toBe("AGGREGATE_COMPONENT_SHARED");
      });
      expect(await board.settle(byScore)).toBe("ready");
      await board.host.run(async (ctx) => {
        const doc = (await ctx.db.query("scores").first()) as never;
        for (const use of uses(ctx, doc)) expect(await codeOf(use())).toBe("AGGREGATE_COMPONENT_SHARED");
        // What the plain class has left can be cleared all the same.
        await plain.clearAll(ctx);
      });
      await expectExact(board, byScore);
      await board.host.run(async (ctx) => {
        await ctx.runMutation(aggregateComponent.generations.release, {});
        await plain.insert(ctx, (await ctx.db.query("scores").first()) as never);
        expect(await plain.count(ctx, at)).toBe(1);
      });
      await board.host.drain();
      expect((await board.stored()).generations).toEqual([0]);
    });

    test("refuse to be written to from a query", async () => {
      const board = await newBoard();
      const plain = declare({ table: undefined });
      await board.fill(1);
      await board.host.run(async ({ runMutation: _none, ...ctx }) => {
        const query = ctx as never;
        const doc = (await ctx.db.query("scores").first()) as never;
        for (const aggregate of [byScore, plain]) {
          const writes = [
            aggregate.insert(query, doc),
            aggregate.replace(query, doc, doc),
            aggregate.deleteIfExists(query, doc),
            aggregate.insert(query, doc, { async: true }),
            aggregate.clearAll(query),
            aggregate.useDeltas(query),
            aggregate.makeRootLazy(query, "chess"),
          ];
          for (const write of writes) expect(await codeOf(write)).toBe("AGGREGATE_WRITE_IN_QUERY");
        }
      });
    });
  });
}
