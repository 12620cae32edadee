/**
 * Compares the classes with those of the published package, on the official mock and on this engine: the same histories must
 * get the same answers. Histories leave out what the published one gets wrong: strings beyond ASCII, which it orders by UTF-16;
 * zeros of both signs, which it takes for one; sums beyond doubles; and the namespace null, which it lists as undefined.
 */
import { DirectAggregate as PublishedAggregate } from "@convex-dev/aggregate";
import type { Value } from "convex/values";
import fc from "fast-check";
import { DirectAggregate } from "trueup/aggregate";
import { afterEach, expect, test, vi } from "vitest";
import { ask, history, perform, writeOf, type AggregateClass, type DirectType } from "./histories.js";
import {
  aggregateComponent,
  hostOnEngine,
  hostOnMock,
  publishedHostOnEngine,
  publishedHostOnMock,
  type OpenHost,
} from "./hosts.js";
import { AggregateModel } from "./aggregate-model.js";

const text = fc.string({ unit: fc.constantFrom("a", "b", "c", " "), maxLength: 3 });
const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.bigInt({ min: -9n, max: 9n }),
  fc.constantFrom(null, true, false, NaN, Infinity, -Infinity, 0.5),
  text,
  fc.uint8Array({ maxLength: 2 }).map(({ buffer }) => buffer.slice(0)),
);
const keys: fc.Arbitrary<Value> = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  scalar,
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom("a", "b"), scalar, { noNullPrototype: true }),
);
const parts = {
  keys,
  sums: fc.integer({ min: -1000, max: 1000 }),
  namespaces: fc.constantFrom(undefined, undefined, "n", 1n),
};

const places: [string, OpenHost, OpenHost][] = [
  ["the official mock", hostOnMock, publishedHostOnMock],
  ["this engine", () => hostOnEngine("memory"), () => publishedHostOnEngine("memory")],
];

afterEach(() => {
  vi.useRealTimers();
});

test.each(places)(
  "on %s, answers as the published package does, and refuses what it refuses",
  async (_, open, openPublished) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(4, 16), history(parts, 40), async (maxNodeSize, steps) => {
        const ours = { host: await open(), aggregate: new DirectAggregate<DirectType>(aggregateComponent) };
        const published = new PublishedAggregate<DirectType>(aggregateComponent as never);
        const theirs = { host: await openPublished(), aggregate: published as unknown as AggregateClass };
        await ours.host.run((ctx) => ours.aggregate.clear(ctx, { namespace: undefined, maxNodeSize }));
        await theirs.host.run((ctx) => published.clear(ctx, { namespace: undefined, maxNodeSize }));
        const model = new AggregateModel();
        for (const step of steps) {
          const write = writeOf(step, model);
          model.write(write);
          const [our, their] = await Promise.all(
            [ours, theirs].map(async ({ host, aggregate }) => ({
              refusal: await host.run((ctx) => perform(aggregate, ctx, write)),
              answers: await host.run((ctx) => ask(aggregate, ctx, step.question)),
            })),
          );
          expect(our).toEqual(their);
        }
      }),
      { numRuns: 8 },
    );
  },
);
