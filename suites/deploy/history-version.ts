/** Makes one version of the app in a history: a schema, declarations, and the writer's functions, which name their version. */
import { mutationGeneric, queryGeneric } from "convex/server";
import { aggregateOf, follow, itemsOf, type Side } from "./history-aggregate.js";
import { documentOf, schemaOf, type Shape } from "./history-steps.js";
import { migrations, type Version } from "./teams-app.js";

export interface Deployed {
  readonly version: number;
  readonly shape: Shape;
  readonly declared: Readonly<Record<string, object>>;
  /** Which component has the writer's aggregate; null where the writer keeps none. */
  readonly aggregate: Side | null;
}

/** Its code, as it is deployed. */
export function versionOf({ version, shape, declared, aggregate }: Deployed): Version {
  const write = mutationGeneric(async (ctx, { n, number }: { n: number; number: number | null }) => {
    const found = await ctx.db
      .query(shape.table)
      .withIndex("by_n", (q) => q.eq("n", n))
      .unique();
    if (number === null) {
      if (found !== null) await ctx.db.delete(found._id);
    } else if (found === null) await ctx.db.insert(shape.table, { ...documentOf(shape, n, number) });
    else await ctx.db.replace(found._id, { ...documentOf(shape, n, number) });
    if (aggregate !== null) await follow(aggregate, ctx, n, number);
    return version;
  });
  const items = queryGeneric((ctx) => (aggregate === null ? null : itemsOf(aggregate, ctx)));
  const statuses = queryGeneric(async (ctx, { names }: { names: string[] }) =>
    names.length === 0 ? [] : await migrations.getStatus(ctx, { migrations: names }),
  );
  const modules = { writer: { write, version: queryGeneric(() => version), items, statuses } };
  const components = aggregate === null ? {} : { aggregate: aggregateOf[aggregate] };
  return { schema: schemaOf(shape), migrations: declared, components, modules };
}
