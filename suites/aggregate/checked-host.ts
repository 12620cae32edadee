/**
 * Opens an app whose aggregate can be looked into and damaged: it has a table, the component, and a function in the component
 * that runs whatever a test gives it. It runs on the official mock, where nodes are documents, and on this engine, where they
 * are cells.
 */
import { convexTest } from "convex-test";
import {
  componentsGeneric,
  defineSchema,
  defineTable,
  mutationGeneric,
  type DataModelFromSchemaDefinition,
  type FunctionReference,
  type GenericMutationCtx,
} from "convex/server";
import { v } from "convex/values";
import type { OpenStorage } from "trueup";
import { TableAggregate } from "trueup/aggregate";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import aggregateTest from "trueup/aggregate/test";
import type { DataModel } from "../../src/components/aggregate/component/_generated/dataModel.js";
import { advanceRun, startVerify } from "../../src/components/aggregate/client/verification/index.js";
import type { StoredDocument } from "../../src/components/aggregate/client/managed/types.js";
import type { WrittenItem } from "../../src/components/aggregate/client/operations.js";
import { openApp, type StorageName } from "../setup/open-app.js";

export const checkedSchema = defineSchema({
  scores: defineTable({ game: v.string(), score: v.number(), bonus: v.optional(v.number()) }),
});

// oxlint-disable-next-line typescript/no-explicit-any -- any app
export type AppCtx = GenericMutationCtx<any>;
export type InsideCtx = GenericMutationCtx<DataModel>;

export interface CheckedHost {
  /** Runs code in a mutation of the app. */
  run<T>(body: (ctx: AppCtx) => Promise<T>): Promise<T>;
  /** Runs code in a mutation of the component. */
  inside<T>(body: (ctx: InsideCtx) => Promise<T>): Promise<T>;
}

export type OpenCheckedHost = () => Promise<CheckedHost>;

const mounted = componentsGeneric() as unknown as {
  aggregate: ComponentApi & { inside: { run: FunctionReference<"mutation", "internal"> } };
};
export const component: ComponentApi = mounted.aggregate;

/** Makes items by game, sorted by score. */
const functions = {
  namespace: (doc: StoredDocument) => doc["game"] as string,
  sortKey: (doc: StoredDocument) => doc["score"] as number,
  sumValue: (doc: StoredDocument) => doc["score"] as number,
  sumValues: { bonus: (doc: StoredDocument) => doc["bonus"] as number | undefined },
};

/** The aggregate of the table. */
export const source = {
  component,
  table: "scores",
  itemOf: (doc: StoredDocument): WrittenItem => ({
    key: functions.sortKey(doc),
    id: doc._id,
    namespace: functions.namespace(doc),
    sumValue: functions.sumValue(doc),
    sumValues: { bonus: functions.sumValues.bonus(doc) },
  }),
};

type CheckedDataModel = DataModelFromSchemaDefinition<typeof checkedSchema>;

/** The same aggregate, managed. */
export const managed = new TableAggregate<{
  Key: number;
  DataModel: CheckedDataModel;
  TableName: "scores";
  Namespace: string;
  Values: "bonus";
}>(component, { table: "scores", ...functions });

export function checkedHostOnMock(): Promise<CheckedHost> {
  const bodies = new Bodies();
  const t = convexTest({
    schema: checkedSchema,
    modules: { "./_generated/api.js": () => Promise.resolve({}) },
  });
  t.registerComponent("aggregate", aggregateTest.schema, withInside(bodies));
  return Promise.resolve({
    run: (body) => t.run(body),
    inside: (body) =>
      bodies.during(body, () =>
        t.run(async (ctx) => {
          await ctx.runMutation(mounted.aggregate.inside.run, {});
        }),
      ),
  });
}

export async function checkedHostOnEngine(
  storage: StorageName | OpenStorage,
): Promise<CheckedHost & { close(): Promise<void> }> {
  const [app, inner] = [new Bodies(), new Bodies()];
  const backend = await openApp(storage, {
    schema: checkedSchema,
    modules: {
      host: {
        run: mutationGeneric({ args: {}, handler: (ctx: AppCtx) => app.call(ctx) }),
        inside: mutationGeneric({
          args: {},
          handler: async (ctx: AppCtx): Promise<void> => {
            await ctx.runMutation(mounted.aggregate.inside.run, {});
          },
        }),
      },
    },
    components: { aggregate: { ...aggregateTest, modules: withInside(inner) } },
  });
  const call = async (path: string): Promise<void> => {
    const outcome = await backend.run({ path, args: {}, allowInternal: true });
    if (outcome.status === "error") throw outcome.error;
  };
  return {
    run: (body) => app.during(body, () => call("host:run")),
    inside: (body) => inner.during(body, () => call("host:inside")),
    close: () => backend.close(),
  };
}

/**
 * Runs a check to its end. Returns the run's id.
 * @param between Called between its steps.
 * @param isLost Whether a step is to end without being committed; it is tried again.
 */
export async function check(
  host: CheckedHost,
  options: { repair?: boolean },
  between: (step: number) => Promise<void> = () => Promise.resolve(),
  isLost: (step: number) => boolean = () => false,
): Promise<string> {
  const runId = await host.run((ctx) => startVerify(ctx, { component }, options));
  for (let step = 0, due = true; due; step++) {
    if (isLost(step)) await loseStep(host, runId);
    ({ due } = await host.run((ctx) => advanceRun(ctx, source, { runId })));
    if (due) await between(step);
    if (step > 2000) throw new Error("the check does not end");
  }
  return runId;
}

async function loseStep(host: CheckedHost, runId: string): Promise<void> {
  const lost = host.run(async (ctx) => {
    await advanceRun(ctx, source, { runId });
    throw new Error("lost");
  });
  await lost.catch((error: unknown) => {
    if (!String(error).includes("lost")) throw error;
  });
}

/** The code that a test has a registered function run. */
class Bodies {
  #body: (ctx: never) => Promise<void> = () => Promise.resolve();

  async call(ctx: unknown): Promise<void> {
    await this.#body(ctx as never);
  }

  async during<Ctx, T>(body: (ctx: Ctx) => Promise<T>, run: () => Promise<void>): Promise<T> {
    const results: T[] = [];
    this.#body = async (ctx: Ctx) => {
      results.splice(0, 1, await body(ctx));
    };
    await run();
    return results[0] as T;
  }
}

function withInside(bodies: Bodies) {
  const inside = { run: mutationGeneric({ args: {}, handler: (ctx) => bodies.call(ctx) }) };
  return { ...aggregateTest.modules, "./component/inside.js": () => Promise.resolve(inside) };
}
