/**
 * Moves an aggregate between the published component and ours, there and back, by a deploy alone: in random lives with moves
 * between the writes, both components give the answers of the model and find their own trees in order.
 */
import { defineSchema, defineTable, mutationGeneric } from "convex/server";
import { v, type Value } from "convex/values";
import fc from "fast-check";
import { programFromModules, type ComponentModules } from "trueup";
import aggregateTest from "trueup/aggregate/test";
import { afterEach, expect, test, vi } from "vitest";
import { AggregateModel } from "./aggregate-model.js";
import { ask, expectedAnswers, history, perform, writeOf } from "./histories.js";
import { declare } from "./managed-boards.js";
import type { HostCtx } from "./hosts.js";
import { MovingHost, classes, publishedComponent, type Side } from "./moving-host.js";
import { call, openApp, storageNames } from "../setup/open-app.js";

const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.bigInt({ min: -9n, max: 9n }),
  fc.constantFrom<Value>(null, true, false, Infinity, -Infinity, 0.5, "", "a", "\u{1f600}", "\uffee"),
  fc.uint8Array({ maxLength: 2 }).map(({ buffer }) => buffer.slice(0)),
);
const parts = {
  keys: fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b"), scalar, { noNullPrototype: true }),
  ),
  sums: fc.integer({ min: -1000, max: 1000 }),
  namespaces: fc.constantFrom(undefined, undefined, "n", 1n),
};

afterEach(() => {
  vi.useRealTimers();
});

test("whenever the components are exchanged, answers are those of the same items", async () => {
  const lives = fc.record({
    maxNodeSize: fc.constantFrom(4, 6, 16),
    rootLazy: fc.boolean(),
    stretches: fc.array(
      fc.record({ side: fc.constantFrom<Side>("published", "ours"), steps: history(parts, 40) }),
      { minLength: 1, maxLength: 3 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(lives, async ({ maxNodeSize, rootLazy, stretches }) => {
      const host = await MovingHost.open("memory", "published");
      await host.run((ctx) => classes.published.clear(ctx, { namespace: undefined, maxNodeSize, rootLazy }));
      const model = new AggregateModel();
      for (const { side, steps } of stretches) {
        if (host.side !== side) await host.move();
        for (const step of steps) {
          const write = writeOf(step, model);
          const refusal = await host.run((ctx) => perform(host.aggregate, ctx, write));
          expect(refusal).toBe(model.write(write));
        }
        for (let moves = 0; moves < 2; moves++) {
          await host.move();
          for (const namespace of [undefined, "n", 1n]) await host.validate(namespace);
        }
        // The published package orders strings otherwise than Convex, so its answers may rightly differ.
        if (host.side === "published") await host.move();
        for (const { question } of steps) {
          const answers = await host.run((ctx) => ask(host.aggregate, ctx, question));
          expect(answers).toEqual(expectedAnswers(model, question));
        }
      }
    }),
    { numRuns: 8 },
  );
}, 120_000);

const namespace = undefined;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Inserts items with the keys 0 to count - 1, in no order. */
async function fill(host: MovingHost, space: Value | undefined, count: number): Promise<void> {
  await host.run(async (ctx) => {
    for (const n of numbers(count)) {
      const key = (n * 7919) % count;
      await host.aggregate.insert(ctx, { key, id: `id${key}`, namespace: space, sumValue: key / 4 });
    }
  });
}

test.each(storageNames)(
  "a tree of any size and setting moves as it is, and goes on there (%s)",
  async (storage) => {
    const host = await MovingHost.open(storage, "ours");
    const sizes = [...numbers(60), 124, 125, 126, 624, 625];
    const settings = [4, 6, 16].flatMap((maxNodeSize) =>
      [true, false].map((rootLazy) => ({ maxNodeSize, rootLazy })),
    );
    const spaces = sizes.map((size, index) => ({ size, ...settings[index % settings.length] }));
    const spaceOf = ({ size }: { size: number }): string => `size ${size}`;
    for (const space of spaces) {
      const { size, ...setting } = space;
      await host.run((ctx) => classes.ours.clear(ctx, { namespace: spaceOf(space), ...setting }));
      await fill(host, spaceOf(space), size);
    }
    for (let moves = 0; moves < 3; moves++) {
      await host.move();
      for (const space of spaces) {
        await host.validate(spaceOf(space));
        const of = { namespace: spaceOf(space) };
        const sum = numbers(space.size + moves).reduce((total, n) => total + n / 4, 0);
        const asked = await host.run(async (ctx) => [
          await host.aggregate.count(ctx, of),
          await host.aggregate.sum(ctx, of),
        ]);
        expect(asked).toEqual([space.size + moves, sum]);
        const key = space.size + moves;
        const item = { key, id: `id${key}`, ...of, sumValue: key / 4 };
        await host.run((ctx) => host.aggregate.insert(ctx, item));
        await host.validate(spaceOf(space));
      }
    }
    const nodes = new Map((await host.documents("btreeNode")).map((node) => [node["_id"], node]));
    const trees = new Map((await host.documents("btree")).map((tree) => [tree["namespace"], tree]));
    for (const space of spaces) {
      const tree = trees.get(spaceOf(space));
      expect(tree?.["maxNodeSize"]).toBe(space.maxNodeSize);
      expect(nodes.get(tree?.["root"])?.["aggregate"] === undefined).toBe(space.rootLazy);
    }
  },
  120_000,
);

test("what waits in either queue is applied by the move, dead letters go along, and the queue works afterwards", async () => {
  const host = await MovingHost.open("memory", "published");
  const add = (key: number, id = "a") =>
    host.run((ctx) => host.aggregate.insert(ctx, { key, id, namespace, sumValue: 1 }, { async: true }));
  const count = () => host.run((ctx) => host.aggregate.count(ctx, { namespace }));
  await add(1);
  await add(1);
  await add(2);
  for (let moves = 1; moves <= 4; moves++) {
    await host.move();
    expect(await count()).toBe(moves + 1);
    const letters = await host.documents("deadLetterOperations");
    expect(letters).toMatchObject(Array(moves === 1 ? 1 : moves).fill({ operation: { type: "insert" } }));
    // One that goes through while we look, then one that waits for the move, then one that will be refused.
    await add(moves + 2);
    await add(1);
    if (moves > 2) await host.drain();
  }
  await host.drain();
  expect(await count()).toBe(6);
});

test("a component that is mounted in another moves as well", async () => {
  const shop = (side: Side): ComponentModules => ({
    schema: null,
    modules: {
      "./items.ts": {
        add: mutationGeneric(async (ctx, { key }: { key: number }) => {
          await classes[side].insert(ctx as HostCtx, { key, id: "a", namespace, sumValue: key });
          return [await classes[side].count(ctx as HostCtx, { namespace })];
        }),
      },
    },
    components: { aggregate: side === "ours" ? aggregateTest : publishedComponent },
  });
  const app = await openApp("memory", { modules: { app: {} }, components: { shop: shop("published") } });
  const add = (key: number) => call(app, "items:add", { key }, { componentPath: "shop" });
  expect(await add(1)).toEqual([1]);
  for (const [index, side] of (["ours", "published", "ours"] as const).entries()) {
    const modules = { "./convex/app.ts": {} };
    await app.activate(await programFromModules({ modules, components: { shop: shop(side) } }));
    expect(await add(index + 2)).toEqual([index + 2]);
  }
});

test("trees of a version that has no queue move too", async () => {
  const early: ComponentModules = {
    schema: defineSchema({ btree: defineTable(v.any()), btreeNode: defineTable(v.any()) }),
    modules: {
      "./trees.ts": {
        make: mutationGeneric(async (ctx) => {
          const items = numbers(3).map((n) => ({ k: [n, `id${n}`, ""], v: `id${n}`, s: n }));
          const root = await ctx.db.insert("btreeNode", { items, subtrees: [] });
          await ctx.db.insert("btree", { root, maxNodeSize: 16 });
        }),
      },
    },
  };
  const ask = { ask: mutationGeneric((ctx) => classes.ours.sum(ctx as HostCtx, { namespace })) };
  const app = await openApp("memory", { modules: { app: {} }, components: { aggregate: early } });
  await call(app, "trees:make", {}, { componentPath: "aggregate" });
  const modules = { "./convex/app.ts": ask };
  await app.activate(await programFromModules({ modules, components: { aggregate: aggregateTest } }));
  expect(await call(app, "app:ask")).toBe(3);
});

test("a managed aggregate is built from its table, and goes back as it is", async () => {
  const host = await MovingHost.open("memory", "published");
  await fill(host, "chess", 5);
  const board = declare();
  await host.run((ctx) => ctx.db.insert("scores", { player: "Ann", game: "go", score: 7 }));
  await host.move("ours", { boards: { board } });
  await host.backend.aggregates.ready();
  await host.run((ctx) => ctx.db.insert("scores", { player: "Bea", game: "go", score: 8 }));
  const asked = await host.run(async (ctx) => [
    await board.count(ctx, { namespace: "go" }),
    await board.sum(ctx, { namespace: "go" }),
    await board.count(ctx, { namespace: "chess" }),
  ]);
  expect(asked).toEqual([2, 15, 0]);
  await host.move("published");
  const of = { namespace: "go" };
  expect(await host.run((ctx) => host.aggregate.sum(ctx, of))).toBe(15);
  expect((await host.run((ctx) => host.aggregate.max(ctx, of)))?.key).toBe(8);
  await host.move("ours");
  expect(await host.run((ctx) => host.aggregate.sum(ctx, of))).toBe(15);
});

test("items that no class wrote refuse the move, and nothing has changed", async () => {
  const host = await MovingHost.open("memory", "published");
  await fill(host, undefined, 5);
  await host.inside("public:insert", { key: "bare", value: null });
  await expect(host.move()).rejects.toMatchObject({
    code: "COMPONENT_NOT_MOVED",
    message: expect.stringContaining('An item stands at "bare", which is no key with an id'),
  });
  expect(host.side).toBe("published");
  await host.inside("public:delete_", { key: "bare" });
  await host.move();
  expect(await host.run((ctx) => host.aggregate.count(ctx, { namespace }))).toBe(5);
});
