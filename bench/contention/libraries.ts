/** Offers both libraries' classes in each of their ways to deal with contention. */
import { DirectAggregate as PublishedAggregate } from "@convex-dev/aggregate";
import { componentsGeneric } from "convex/server";
import { ConvexError } from "convex/values";
import { DirectAggregate, type AggregateOptions } from "trueup/aggregate";
import type { ComponentApi } from "trueup/aggregate/_generated/component.js";
import type { AppCtx } from "./cloud.js";
import type { ContendedAggregate, ContendedItem } from "./contend.js";

type Counted = DirectAggregate<{ Key: number; Id: string }>;
type Ctx = Parameters<Counted["insert"]>[0];

export interface Settings {
  readonly maxNodeSize?: number;
  readonly rootLazy?: boolean;
}

const component = (componentsGeneric() as unknown as { aggregate: ComponentApi }).aggregate;
const fillBatch = 500;

export function publishedLibrary(settings: Settings): ContendedAggregate {
  // The methods that are used here take and give the same.
  const aggregate = new PublishedAggregate(component as never) as unknown as Counted;
  return {
    ...libraryOf(aggregate, settings, {}),
    fill: async (ctx, items) => {
      for (const item of items) await aggregate.insert(ctxOf(ctx), item);
    },
  };
}

/** With `isSet`, the component instead of the class says that writes are deltas. */
export function ownLibrary(
  settings: Settings,
  options: AggregateOptions & { readonly isQueued?: boolean; readonly isSet?: boolean } = {},
): ContendedAggregate {
  const aggregate: Counted = new DirectAggregate(component, options);
  const library = libraryOf(aggregate, settings, options.isQueued === true ? { async: true } : {});
  const direct: Counted = new DirectAggregate(component);
  return {
    ...library,
    setUp: async (ctx) => {
      await library.setUp(ctx);
      if (options.isSet === true) await aggregate.useDeltas(ctxOf(ctx));
    },
    fill: async (ctx, items) => {
      for (let start = 0; start < items.length; start += fillBatch) {
        const batch = items.slice(start, start + fillBatch);
        await direct.writeBatch(
          ctxOf(ctx),
          batch.map((item) => ({ type: "insert", ...item })),
        );
      }
    },
  };
}

function libraryOf(
  aggregate: Counted,
  settings: Settings,
  options: { async?: boolean },
): Omit<ContendedAggregate, "fill"> {
  return {
    setUp: (ctx) => aggregate.clear(ctxOf(ctx), settings),
    insert: (ctx, item: ContendedItem) => aggregate.insert(ctxOf(ctx), item, options),
    replace: (ctx, from, to) =>
      aggregate.replace(
        ctxOf(ctx),
        { key: from.key, id: from.id },
        { key: to.key, sumValue: to.sumValue },
        options,
      ),
    totals: async (ctx) => {
      try {
        return { count: await aggregate.count(ctxOf(ctx)), sum: await aggregate.sum(ctxOf(ctx)) };
      } catch (error) {
        const data: unknown = error instanceof ConvexError ? error.data : null;
        if ((data as { code?: string } | null)?.code === "PENDING_OPERATIONS") return null;
        throw error;
      }
    },
  };
}

/** Passes the context on as one of Convex: the classes ask for no more than it has. */
function ctxOf(ctx: AppCtx): Ctx {
  return ctx as unknown as Ctx;
}
