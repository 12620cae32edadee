/** What each method does in the cases that its users meet first, and how it refuses what it cannot do. */
import { ConvexError, type Value } from "convex/values";
import { DirectAggregate } from "trueup/aggregate";
import { describe, expect, test } from "vitest";
import { expectSoundTrees } from "./histories-contract.js";
import { aggregateComponent, type AggregateHost, type OpenHost, type HostCtx } from "./hosts.js";

interface Numbers {
  Key: number;
  Id: string;
}

interface Pairs {
  Key: [string, number];
  Id: string;
}

interface Games {
  Key: number;
  Id: string;
  Namespace: string;
}

/** The code of the error that a promise is rejected with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "no error";
  } catch (error) {
    const data: unknown = error instanceof ConvexError ? error.data : undefined;
    if (typeof data !== "object" || data === null || !("code" in data)) return String(error);
    return typeof data.code === "string" ? data.code : String(error);
  }
}

export function methodsContract(open: OpenHost): void {
  const numbers = new DirectAggregate<Numbers>(aggregateComponent);
  const pairs = new DirectAggregate<Pairs>(aggregateComponent);
  const games = new DirectAggregate<Games>(aggregateComponent);

  /** A host whose aggregate has the numbers 0, 10, 20, 30, each with an id and a tenth of it as its sum. */
  async function hostWithTens(): Promise<AggregateHost> {
    const host = await open();
    await host.run(async (ctx) => {
      for (const key of [20, 0, 30, 10]) {
        await numbers.insert(ctx, { key, id: `i${key}`, sumValue: key / 10 });
      }
    });
    return host;
  }

  describe("read", () => {
    test("nothing, before anything was written", async () => {
      const host = await open();
      await host.run(async (ctx) => {
        expect(await numbers.count(ctx)).toBe(0);
        expect(await numbers.sum(ctx)).toBe(0);
        expect(await numbers.min(ctx)).toBeNull();
        expect(await numbers.max(ctx)).toBeNull();
        expect(await numbers.random(ctx)).toBeNull();
        expect(await numbers.indexOf(ctx, 1)).toBe(0);
        expect(await numbers.paginate(ctx)).toEqual({ page: [], cursor: "", isDone: true });
        expect(await codeOf(numbers.at(ctx, 0))).toBe("OFFSET_OUT_OF_RANGE");
      });
    });

    test("within bounds of every kind", async () => {
      const host = await hostWithTens();
      await host.run(async (ctx) => {
        const between = { lower: { key: 10, inclusive: true }, upper: { key: 30, inclusive: false } };
        expect(await numbers.count(ctx, { bounds: between })).toBe(2);
        expect(await numbers.sum(ctx, { bounds: between })).toBe(3);
        expect(await numbers.count(ctx, { bounds: { eq: 20 } })).toBe(1);
        expect(await numbers.count(ctx, { bounds: {} })).toBe(4);
        expect(await numbers.max(ctx, { bounds: between })).toEqual({ key: 20, id: "i20", sumValue: 2 });
        expect(await numbers.at(ctx, -1, { bounds: between })).toMatchObject({ key: 20 });
        expect(await numbers.indexOf(ctx, 20, { bounds: between })).toBe(1);
        expect(await numbers.indexOf(ctx, 15)).toBe(2);
        expect(await numbers.indexOf(ctx, 15, { order: "desc" })).toBe(2);
        expect(await numbers.offsetOf(ctx, 20, undefined)).toBe(2);
        expect(await numbers.offsetUntil(ctx, 20, undefined)).toBe(1);
        const inverted = { lower: { key: 30, inclusive: true }, upper: { key: 0, inclusive: true } };
        expect(await numbers.count(ctx, { bounds: inverted })).toBe(0);
      });
    });

    test("below prefixes of keys that are arrays", async () => {
      const host = await open();
      await host.run(async (ctx) => {
        for (const [name, score] of [
          ["ann", 1],
          ["ann", 5],
          ["bob", 3],
          ["anna", 2],
        ] as const) {
          await pairs.insert(ctx, { key: [name, score], id: `${name}${score}`, sumValue: score });
        }
        expect(await pairs.sum(ctx, { bounds: { prefix: ["ann"] } })).toBe(6);
        expect(await pairs.max(ctx, { bounds: { prefix: ["ann"] } })).toMatchObject({ key: ["ann", 5] });
        expect(await pairs.count(ctx, { bounds: { prefix: ["ann", 5] } })).toBe(1);
        expect(await pairs.count(ctx, { bounds: { prefix: [] } })).toBe(4);
      });
    });

    test("many ranges and offsets in one call", async () => {
      const host = await hostWithTens();
      await host.run(async (ctx) => {
        expect(await numbers.countBatch(ctx, [{}, { bounds: { eq: 10 } }])).toEqual([4, 1]);
        expect(await numbers.sumBatch(ctx, [{}, { bounds: { eq: 10 } }])).toEqual([6, 1]);
        const items = await numbers.atBatch(ctx, [{ offset: -1 }, { offset: 1 }]);
        expect(items.map(({ key }) => key)).toEqual([30, 10]);
      });
    });

    test("pages in both orders, which end where the items do", async () => {
      const host = await hostWithTens();
      await host.run(async (ctx) => {
        const first = await numbers.paginate(ctx, { pageSize: 2, order: "desc" });
        expect(first).toMatchObject({ page: [{ key: 30 }, { key: 20 }], isDone: false });
        const rest = await numbers.paginate(ctx, { pageSize: 2, order: "desc", cursor: first.cursor });
        expect(rest).toMatchObject({ page: [{ key: 10 }, { key: 0 }], cursor: "", isDone: true });
        const keys: number[] = [];
        for await (const { key } of numbers.iter(ctx, { pageSize: 3 })) keys.push(key);
        expect(keys).toEqual([0, 10, 20, 30]);
      });
    });

    test("pages whose cursor stays valid while items come and go", async () => {
      const host = await hostWithTens();
      await host.run(async (ctx) => {
        const { cursor } = await numbers.paginate(ctx, { pageSize: 2 });
        await numbers.delete(ctx, { key: 10, id: "i10" });
        await numbers.insert(ctx, { key: 15, id: "late" });
        const { page } = await numbers.paginate(ctx, { cursor });
        expect(page.map(({ key }) => key)).toEqual([15, 20, 30]);
      });
    });

    test("a random item, each of them sooner or later", async () => {
      const host = await hostWithTens();
      const seen = new Set<number>();
      await host.run(async (ctx) => {
        for (let draw = 0; draw < 200; draw++) {
          seen.add(
            (await numbers.random(ctx, { bounds: { upper: { key: 20, inclusive: true } } }))?.key ?? -1,
          );
        }
      });
      expect([...seen].toSorted((a, b) => a - b)).toEqual([0, 10, 20]);
    });

    test("what the same mutation wrote, unless they may be stale", async () => {
      const host = await hostWithTens();
      await host.run(async (ctx) => {
        await numbers.insert(ctx, { key: 40, id: "i40" });
        expect(await numbers.count(ctx)).toBe(5);
        expect(await numbers.count(ctx, { stale: true })).toBe(4);
      });
    });
  });

  describe("keys that only the commit decides", () => {
    test("stand at the end until then, and where they belong from then on", async () => {
      const host = await open();
      const byCommit = new DirectAggregate<{ Key: Value; Id: string }>(aggregateComponent);
      await host.run((ctx) => byCommit.clear(ctx, { maxNodeSize: 4 }));
      for (let round = 0; round < 6; round++) {
        await host.run(async (ctx) => {
          for (const id of ["a", "b", "c"]) {
            await byCommit.insert(ctx, { key: [ctx.db.vars.commitTs, round], id, sumValue: 1 });
          }
          expect(await byCommit.count(ctx)).toBe(round * 3 + 3);
        });
      }
      await host.run(async (ctx) => {
        const { page } = await byCommit.paginate(ctx);
        expect(page.map(({ key }) => (Array.isArray(key) ? key[1] : null))).toEqual(
          Array.from({ length: 18 }, (_, index) => Math.floor(index / 3)),
        );
        for (const { key, id } of page.slice(3, 12)) await byCommit.delete(ctx, { key, id });
        expect(await byCommit.sum(ctx)).toBe(9);
        await expectSoundTrees(ctx);
      });
    });
  });

  describe("refuse", () => {
    const cases: [string, string, (ctx: HostCtx) => Promise<unknown>][] = [
      [
        "a second item of a key and id",
        "DUPLICATE_KEY",
        (ctx) => numbers.insert(ctx, { key: 10, id: "i10" }),
      ],
      [
        "to delete what is not there",
        "DELETE_MISSING_KEY",
        (ctx) => numbers.delete(ctx, { key: 10, id: "i20" }),
      ],
      [
        "to replace what is not there",
        "DELETE_MISSING_KEY",
        (ctx) => numbers.replace(ctx, { key: 11, id: "i10" }, { key: 12 }),
      ],
      [
        "to replace an item with itself when it is not there",
        "DELETE_MISSING_KEY",
        (ctx) => numbers.replace(ctx, { key: 11, id: "i10" }, { key: 11 }),
      ],
      ["an offset beyond the end", "OFFSET_OUT_OF_RANGE", (ctx) => numbers.at(ctx, 4)],
      ["an offset before the beginning", "OFFSET_OUT_OF_RANGE", (ctx) => numbers.at(ctx, -5)],
      ["half an offset", "INVALID_OFFSET", (ctx) => numbers.at(ctx, 0.5)],
      ["a page of nothing", "INVALID_PAGE_SIZE", (ctx) => numbers.paginate(ctx, { pageSize: 0 })],
      ["a cursor of something else", "INVALID_CURSOR", (ctx) => numbers.paginate(ctx, { cursor: "abc" })],
      [
        "bounds at an undefined key",
        "INVALID_BOUNDS",
        (ctx) => numbers.count(ctx, { bounds: { eq: undefined as unknown as number } }),
      ],
      ["nodes of odd size", "INVALID_NODE_SIZE", (ctx) => numbers.clear(ctx, { maxNodeSize: 15 })],
      ["nodes that are too small", "INVALID_NODE_SIZE", (ctx) => numbers.clear(ctx, { maxNodeSize: 2 })],
      [
        "an item that is too large",
        "ITEM_TOO_LARGE",
        (ctx) =>
          new DirectAggregate<{ Key: string; Id: string }>(aggregateComponent).insert(ctx, {
            key: "x".repeat(100_000),
            id: "large",
          }),
      ],
    ];
    test.each(cases)("%s: %s", async (_name, code, call) => {
      const host = await hostWithTens();
      expect(await codeOf(host.run(call))).toBe(code);
      await host.run(async (ctx) => {
        expect(await numbers.count(ctx)).toBe(4);
        expect(await numbers.sum(ctx)).toBe(6);
        await expectSoundTrees(ctx);
      });
    });
  });

  describe("replace", () => {
    test("moves an item, or only changes its sum", async () => {
      const host = await hostWithTens();
      await host.run(async (ctx) => {
        await numbers.replace(ctx, { key: 10, id: "i10" }, { key: 25, sumValue: 7 });
        expect(await numbers.at(ctx, 2)).toEqual({ key: 25, id: "i10", sumValue: 7 });
        await numbers.replace(ctx, { key: 25, id: "i10" }, { key: 25, sumValue: 8 });
        expect(await numbers.sum(ctx)).toBe(13);
        await numbers.replace(ctx, { key: 25, id: "i10" }, { key: 25 });
        expect(await numbers.sum(ctx)).toBe(5);
      });
    });

    test("that is refused leaves the old item where it was", async () => {
      const host = await hostWithTens();
      await host.run(async (ctx) => {
        await numbers.insert(ctx, { key: 11, id: "i10" });
        expect(await codeOf(numbers.replace(ctx, { key: 10, id: "i10" }, { key: 11 }))).toBe("DUPLICATE_KEY");
        expect(await numbers.count(ctx)).toBe(5);
        await expectSoundTrees(ctx);
      });
    });

    test("that may insert does so, and deleting what may be missing does nothing", async () => {
      const host = await hostWithTens();
      await host.run(async (ctx) => {
        await numbers.replaceOrInsert(ctx, { key: 1, id: "new" }, { key: 2, sumValue: 1 });
        await numbers.insertIfDoesNotExist(ctx, { key: 2, id: "new", sumValue: 3 });
        await numbers.deleteIfExists(ctx, { key: 1, id: "new" });
        expect(await numbers.count(ctx)).toBe(5);
        expect(await numbers.sum(ctx)).toBe(9);
      });
    });

    test("moves an item from one namespace to another", async () => {
      const host = await open();
      await host.run(async (ctx) => {
        await games.insert(ctx, { namespace: "chess", key: 1, id: "a" });
        await games.replace(ctx, { namespace: "chess", key: 1, id: "a" }, { namespace: "go", key: 1 });
        expect(await games.count(ctx, { namespace: "chess" })).toBe(0);
        expect(await games.count(ctx, { namespace: "go" })).toBe(1);
      });
    });
  });

  describe("namespaces", () => {
    test("are apart, and are listed in their order", async () => {
      const host = await open();
      await host.run(async (ctx) => {
        for (const namespace of ["go", "chess", "draughts"]) {
          await games.insert(ctx, { namespace, key: 1, id: "a" });
        }
        const found: string[] = [];
        for await (const namespace of games.iterNamespaces(ctx, 2)) found.push(namespace);
        expect(found).toEqual(["chess", "draughts", "go"]);
        const { page, cursor, isDone } = await games.paginateNamespaces(ctx, undefined, 2);
        expect({ page, isDone }).toEqual({ page: ["chess", "draughts"], isDone: false });
        expect(await games.paginateNamespaces(ctx, cursor, 2)).toMatchObject({ page: ["go"], isDone: true });
      });
    });

    test("undefined and null are two of them", async () => {
      const host = await open();
      const either = new DirectAggregate<{ Key: number; Id: string; Namespace: null | undefined }>(
        aggregateComponent,
      );
      await host.run(async (ctx) => {
        await either.insert(ctx, { namespace: null, key: 1, id: "a" });
        await either.insert(ctx, { key: 1, id: "a" });
        const found: (null | undefined)[] = [];
        for await (const namespace of either.iterNamespaces(ctx)) found.push(namespace);
        expect(found).toEqual([undefined, null]);
        await either.clearAll(ctx);
        expect(await either.countBatch(ctx, [{ namespace: null }, {}] as never)).toEqual([0, 0]);
      });
      await host.drain();
    });
  });

  describe("clearing", () => {
    test("empties one namespace, or all, and deletes the nodes behind", async () => {
      const host = await open();
      await host.run(async (ctx) => {
        for (let key = 0; key < 50; key++) {
          await games.insert(ctx, { namespace: "chess", key, id: "a" });
          await games.insert(ctx, { namespace: "go", key, id: "a" });
        }
        await games.clear(ctx, { namespace: "chess", maxNodeSize: 4 });
        expect(await games.countBatch(ctx, [{ namespace: "chess" }, { namespace: "go" }])).toEqual([0, 50]);
        await games.clearAll(ctx);
        expect(await games.count(ctx, { namespace: "go" })).toBe(0);
      });
      await host.drain();
      const nodes = await host.run((ctx) => ctx.runQuery(aggregateComponent.inspect.listNodes, {}));
      // An empty root for either game and for no namespace.
      expect(nodes).toHaveLength(3);
    });

    test("keeps the settings that are not changed, and gives them to new namespaces", async () => {
      const host = await open();
      await host.run(async (ctx) => {
        await games.clearAll(ctx, { maxNodeSize: 4, rootLazy: false });
        await games.insert(ctx, { namespace: "chess", key: 1, id: "a" });
        await games.clear(ctx, { namespace: "chess", rootLazy: true });
        const trees = await ctx.runQuery(aggregateComponent.inspect.listTrees, {});
        expect(trees).toMatchObject([
          { maxNodeSize: 4, rootLazy: false },
          { namespace: "chess", maxNodeSize: 4, rootLazy: true },
        ]);
        await games.makeAllRootsLazy(ctx);
        expect(await ctx.runQuery(aggregateComponent.inspect.listTrees, {})).toMatchObject([
          { rootLazy: true },
          { rootLazy: true },
        ]);
      });
      await host.drain();
    });
  });
}
