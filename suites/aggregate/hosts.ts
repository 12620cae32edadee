/**
 * Hosts run an aggregate's component on the official test backend or on this engine. A host is an app with a table `scores` and
 * the component mounted in it; the contract (`aggregate-contract.ts`) asks no more of it.
 */
import publishedAggregate from "@convex-dev/aggregate/test";
import { convexTest } from "convex-test";
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  mutationGeneric,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
} from "convex/server";
import { v } from "convex/values";
import type { ComponentModules, OpenStorage } from "trueup";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import aggregateTest from "trueup/aggregate/test";
import { vi } from "vitest";
import { openApp, type StorageName } from "../setup/open-app.js";

export const hostSchema = defineSchema({
  scores: defineTable({ player: v.string(), game: v.string(), score: v.number() }),
});

export type HostDataModel = DataModelFromSchemaDefinition<typeof hostSchema>;
export type HostCtx = GenericMutationCtx<HostDataModel>;

export interface AggregateHost {
  /** Runs code in a mutation of the app; when it throws, all it did is undone. */
  run<T>(body: (ctx: HostCtx) => Promise<T>): Promise<T>;
  /** Lets everything that is scheduled within the next seconds run, and what that schedules, without waiting for it. */
  drain(): Promise<void>;
}

export type OpenHost = () => AggregateHost | Promise<AggregateHost>;

/** What `app.use(aggregate)` makes of the component in the app. */
export const aggregateComponent = (componentsGeneric() as unknown as { aggregate: ComponentApi }).aggregate;

/** This package's component as a plain Convex component on the official mock. */
export function hostOnMock(): AggregateHost {
  return mockHost((t) => aggregateTest.register(t));
}

/** The published component on the official mock; without its queue, which needs another component. */
export function publishedHostOnMock(): AggregateHost {
  return mockHost((t) => publishedAggregate.register(t));
}

function mockHost(register: (t: ReturnType<typeof newMock>) => void): AggregateHost {
  vi.useFakeTimers();
  const t = newMock();
  register(t);
  return {
    run: (body) => t.run(body),
    drain: () => t.finishAllScheduledFunctions(vi.runAllTimers),
  };
}

function newMock() {
  return convexTest({ schema: hostSchema, modules: { "./_generated/api.js": () => Promise.resolve({}) } });
}

/** This package's component on this engine. */
export function hostOnEngine(storage: StorageName | OpenStorage): Promise<AggregateHost> {
  return engineHost(storage, aggregateTest);
}

/** The published component on this engine; without its queue. */
export function publishedHostOnEngine(storage: StorageName): Promise<AggregateHost> {
  return engineHost(storage, publishedAggregate);
}

/** The queue's worker looks at an empty queue for less than this time. */
const drainMs = 5000;
const drainStepMs = 250;

async function engineHost(
  storage: StorageName | OpenStorage,
  component: ComponentModules,
): Promise<AggregateHost> {
  vi.useFakeTimers({ toFake: ["Date"] });
  let body: (ctx: HostCtx) => Promise<void> = () => Promise.resolve();
  const backend = await openApp(storage, {
    schema: hostSchema,
    modules: { host: { run: mutationGeneric({ args: {}, handler: (ctx: HostCtx) => body(ctx) }) } },
    components: { aggregate: component },
  });
  return {
    async run<T>(work: (ctx: HostCtx) => Promise<T>): Promise<T> {
      let results: T[] = [];
      body = async (ctx) => {
        results = [await work(ctx)];
      };
      const outcome = await backend.run({ path: "host:run", args: {}, allowInternal: true });
      if (outcome.status === "error") throw outcome.error;
      return results[0] as T;
    },
    async drain() {
      for (let elapsed = 0; elapsed < drainMs; elapsed += drainStepMs) {
        vi.setSystemTime(Date.now() + drainStepMs);
        await backend.scheduler.idle();
      }
    },
  };
}
