/**
 * Ways of running an aggregate's component. A host is an app with a table `scores` and the component mounted in it: the
 * contract (`../aggregate-contract.ts`) asks no more of it. This one is the official test backend.
 */
import publishedAggregate from "@convex-dev/aggregate/test";
import { convexTest } from "convex-test";
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
} from "convex/server";
import { v } from "convex/values";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import aggregateTest from "trueup/aggregate/test";
import { vi } from "vitest";

export const hostSchema = defineSchema({
  scores: defineTable({ player: v.string(), game: v.string(), score: v.number() }),
});

export type HostDataModel = DataModelFromSchemaDefinition<typeof hostSchema>;
export type HostCtx = GenericMutationCtx<HostDataModel>;

export interface AggregateHost {
  /** Runs code in a mutation of the app; when it throws, all it did is undone. */
  run<T>(body: (ctx: HostCtx) => Promise<T>): Promise<T>;
  /** Lets everything that is scheduled run, and what that schedules. Fake timers must be in use. */
  drain(): Promise<void>;
}

/** What `app.use(aggregate)` makes of the component in the app. */
export const aggregateComponent = (componentsGeneric() as unknown as { aggregate: ComponentApi }).aggregate;

/** This package's component on the official mock, as a plain Convex component. */
export function hostOnMock(): AggregateHost {
  return host((t) => aggregateTest.register(t));
}

/** The published component on the official mock; without its queue, which needs another component. */
export function publishedHostOnMock(): AggregateHost {
  return host((t) => publishedAggregate.register(t));
}

function host(register: (t: ReturnType<typeof newMock>) => void): AggregateHost {
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
