/** What the functions of checks take and give, as Convex checks it; `check/wire.ts` gives the types. */
import { v, type Validator } from "convex/values";
import type * as wire from "./wire.js";

type Of<Type> = Validator<Type, "required", string>;

const failure = v.object({ message: v.string(), documentId: v.optional(v.string()) });
const cursor = v.object({ creationTime: v.number(), id: v.string() });
const columns = v.object({
  namespaces: v.array(v.object({ namespace: v.optional(v.any()) })),
  spaces: v.array(v.number()),
  keys: v.array(v.any()),
  ids: v.array(v.string()),
  measures: v.array(v.string()),
  values: v.array(v.array(v.union(v.number(), v.null()))),
});

export const startArgs: Of<wire.StartArgs> = v.object({
  definition: v.optional(v.string()),
  repair: v.boolean(),
  startedBy: v.string(),
});
export const runArgs: Of<wire.RunArgs> = v.object({ runId: v.string() });
export const task: Of<wire.Task> = v.union(
  v.object({ kind: v.literal("over") }),
  v.object({ kind: v.literal("again") }),
  v.object({ kind: v.literal("wait"), waitMs: v.number() }),
  v.object({ kind: v.literal("documents"), cursor: v.optional(cursor), limit: v.number() }),
  v.object({ kind: v.literal("items"), ids: v.array(v.string()) }),
);
export const documentsArgs: Of<wire.DocumentsArgs> = v.object({
  runId: v.string(),
  columns,
  cursor: v.optional(cursor),
  isDone: v.boolean(),
});
export const itemsArgs: Of<wire.ItemsArgs> = v.object({ runId: v.string(), columns });
export const failArgs: Of<wire.FailArgs> = v.object({ runId: v.string(), failure });
export const reportArgs: Of<wire.ReportArgs> = v.object({
  runId: v.optional(v.string()),
  definition: v.optional(v.string()),
  cursor: v.optional(v.string()),
  limit: v.optional(v.number()),
});
export const report: Of<wire.Report | null> = v.union(v.any(), v.null());
