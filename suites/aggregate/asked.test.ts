/**
 * Compares what the class asks of the component without a call with the same calls: an app whose `ctx` hides the engine's
 * offer gets the same answers, the same errors and the same trees.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  componentsGeneric,
  makeFunctionReference,
  mutationGeneric,
  queryGeneric,
  type GenericDataModel,
  type GenericMutationCtx,
  type GenericQueryCtx,
} from "convex/server";
import { ConvexError, v, type Value } from "convex/values";
import fc from "fast-check";
import { DirectAggregate, type DirectAggregateType } from "trueup/aggregate";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import aggregateTest from "trueup/aggregate/test";
import { expect, test } from "vitest";
import { call, openApp, storageNames, type StorageName } from "../setup/open-app.js";

type MutationCtx = GenericMutationCtx<GenericDataModel>;
type QueryCtx = GenericQueryCtx<GenericDataModel>;
type Items = DirectAggregate<DirectAggregateType<Value, string, string>>;

const component = (componentsGeneric() as unknown as { aggregate: ComponentApi }).aggregate;
const items: Items = new DirectAggregate(component);
const nested = makeFunctionReference<"mutation">("app:nested");

/** One app, whose mutation and query run whatever they are given. */
async function open(storage: StorageName) {
  let mutate: (ctx: MutationCtx) => Promise<unknown> = () => Promise.resolve();
  let inner: (ctx: MutationCtx) => Promise<unknown> = () => Promise.resolve();
  let ask: (ctx: QueryCtx) => Promise<unknown> = () => Promise.resolve();
  const backend = await openApp(storage, {
    modules: {
      app: {
        mutate: mutationGeneric({ args: {}, handler: async (ctx) => void (await mutate(ctx)) }),
        nested: mutationGeneric({ args: {}, handler: async (ctx) => void (await inner(ctx)) }),
        count: queryGeneric({
          args: { namespace: v.string() },
          handler: (ctx, args) => items.count(ctx, args),
        }),
        ask: queryGeneric({ args: {}, handler: async (ctx) => void (await ask(ctx)) }),
      },
    },
    components: { aggregate: aggregateTest },
  });
  return {
    backend,
    mutate: (body: typeof mutate) => ((mutate = body), call(backend, "app:mutate", {})),
    query: (body: typeof ask) => ((ask = body), call(backend, "app:ask", {})),
    /** Runs in a sub-transaction of the mutation that is running. */
    nest: (ctx: MutationCtx, body: typeof inner) => ((inner = body), ctx.runMutation(nested, {})),
  };
}

/** A `ctx` that can only make calls: a bound function lacks what the engine offers beside them. */
function plain<Ctx extends QueryCtx>(ctx: Ctx): Ctx {
  const copy: Ctx = { ...ctx };
  for (const name of ["runQuery", "runMutation"]) {
    const run: unknown = Reflect.get(ctx, name);
    if (typeof run === "function") Reflect.set(copy, name, run.bind(ctx));
  }
  return copy;
}

const key = fc.oneof(
  fc.integer({ min: 0, max: 20 }),
  fc.constantFrom<Value>("a", [1, "b"], [1, ["c"]], 2n, null, NaN, { x: 1 }),
);
const id = fc.constantFrom("x", "y");
const bounds = fc.option(
  fc.oneof(
    fc.record({ prefix: fc.constant([1]) }),
    fc.record({ lower: fc.record({ key, inclusive: fc.boolean() }) }),
    fc.record({ upper: fc.record({ key, inclusive: fc.boolean() }) }),
  ),
  { nil: undefined },
);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("insert" as const), key, id, sumValue: fc.double() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("put" as const), key, id, sumValue: fc.integer() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("delete" as const), key, id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("replace" as const), key, id, newKey: key }) },
  fc.record({ do: fc.constant("batch" as const), keys: fc.array(key, { maxLength: 5 }) }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("read" as const),
      bounds,
      offset: fc.integer({ min: -9, max: 9 }),
      key,
    }),
  },
  fc.record({
    do: fc.constant("wrong" as const),
    bad: fc.constantFrom<unknown>(new Date(0), Symbol("s"), 2n ** 70n),
  }),
  fc.record({ do: fc.constant("undone" as const), key, id }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type App = Awaited<ReturnType<typeof open>>;

/** The result of a step, or its error. */
async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ConvexError) return { data: error.data };
    return { message: String(error).split("\n")[0]?.replace("plain", "asked") };
  }
}

async function perform(app: App, ctx: MutationCtx, namespace: string, at: Step): Promise<unknown> {
  switch (at.do) {
    case "insert":
      return items.insert(ctx, { namespace, ...at });
    case "put":
      return items.insertIfDoesNotExist(ctx, { namespace, ...at });
    case "delete":
      return items.delete(ctx, { namespace, ...at });
    case "replace":
      return items.replace(ctx, { namespace, ...at }, { namespace, key: at.newKey });
    case "batch":
      return items.writeBatch(
        ctx,
        at.keys.map((of) => ({ type: "insert", namespace, key: of, id: "batch" })),
      );
    case "read":
      return Promise.all([
        items.count(ctx, { namespace, bounds: at.bounds as never }),
        items.sum(ctx, { namespace, bounds: at.bounds as never }),
        items.indexOf(ctx, at.key, { namespace }),
        items.paginate(ctx, { namespace, pageSize: 3, order: "desc" }),
        items.percentiles(ctx, [10, 90], { namespace }),
        outcome(() => items.at(ctx, at.offset, { namespace })),
        items.count(ctx, { namespaces: [namespace, "nowhere"] }),
      ]);
    case "wrong":
      return items.count(ctx, { namespace, bounds: { eq: at.bad as Value } });
    case "undone":
      return app.nest(ctx, async (inside) => {
        const its = namespace === "plain" ? plain(inside) : inside;
        await items.insertIfDoesNotExist(its, { namespace, ...at });
        await items.count(its, { namespace });
        throw new ConvexError("undone");
      });
  }
}

test.each(storageNames)("asking gives what calling gives, on %s", async (storage) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 8 }), async (transactions) => {
      const app = await open(storage);
      for (const steps of transactions) {
        await app.mutate(async (ctx) => {
          for (const at of steps) {
            const asked = await outcome(() => perform(app, ctx, "asked", at));
            expect(asked).toEqual(await outcome(() => perform(app, plain(ctx), "plain", at)));
          }
        });
        await app.query(async (ctx) => {
          const pages = await Promise.all([
            items.paginate(ctx, { namespace: "asked" }),
            items.paginate(plain(ctx), { namespace: "asked" }),
            items.paginate(plain(ctx), { namespace: "plain" }),
          ]);
          expect(pages[0]).toEqual(pages[1]);
          expect(pages[0].page).toEqual(pages[2].page);
        });
      }
      await app.backend.close();
    }),
    { numRuns: 15 },
  );
});

const namespace = "n";

test.each(storageNames)(
  "writes and reads that are begun together keep their order, on %s",
  async (storage) => {
    const app = await open(storage);
    await app.mutate(async (ctx) => {
      const begun = Array.from({ length: 40 }, (_, index) => [
        items.insert(ctx, { namespace, key: index, id: "x" }),
        items.count(ctx, { namespace }),
      ]).flat();
      const results = await Promise.all(begun);
      expect(results.filter((result) => typeof result === "number")).toEqual(
        Array.from({ length: 40 }, (_, index) => index + 1),
      );
    });
  },
);

test("what a read returns is the reader's own", async () => {
  const app = await open("memory");
  await app.mutate((ctx) => items.insert(ctx, { namespace, key: ["a", { b: [1] }], id: "x" }));
  await app.query(async (ctx) => {
    const first = await items.at(ctx, 0, { namespace });
    (first.key as Value[]).push("spoilt");
    ((first.key as { b: Value[] }[])[1] as { b: Value[] }).b.push("spoilt");
    expect((await items.at(ctx, 0, { namespace })).key).toEqual(["a", { b: [1] }]);
  });
});

test("a query that asks is told of what changes its answer", async () => {
  const app = await open("memory");
  await app.mutate((ctx) => items.insert(ctx, { namespace, key: 1, id: "x" }));
  const run = { path: "app:count", args: { namespace }, allowInternal: true } as const;
  const { readSet } = await app.backend.run(run);
  const touched: boolean[] = [];
  const stop = app.backend.database.onCommit((commit) => touched.push(readSet?.intersects(commit) ?? false));
  await app.mutate((ctx) => items.insert(ctx, { namespace, key: 2, id: "x" }));
  stop();
  expect(touched).toEqual([true]);
});

test("nothing of a transaction that has asked outlives it until all objects are collected", async () => {
  const app = await open("memory");
  await app.mutate((ctx) => items.insert(ctx, { namespace, key: 1, id: "x" }));
  const ask = async (times: number): Promise<void> => {
    for (let asked = 0; asked < times; asked++) await call(app.backend, "app:count", { namespace });
  };
  await ask(1000);
  collectYoung();
  const { heapUsed } = process.memoryUsage();
  await ask(2000);
  collectYoung();
  // Each of these transactions takes several kilobytes.
  expect(process.memoryUsage().heapUsed - heapUsed).toBeLessThan(2000 * 2000);
});

/** Collects young objects only, and twice, because those that survive once are still young. */
function collectYoung(): void {
  setFlagsFromString("--expose-gc");
  for (let times = 0; times < 3; times++) runInNewContext("gc({ type: 'minor' })");
}
