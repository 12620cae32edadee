/** Arguments, results and stored operations, as Convex checks them; `interface/documents.ts` and `interface/wire.ts` give their types. */
import { paginationOptsValidator, paginationResultValidator, type PaginationResult } from "convex/server";
import { v, type Validator } from "convex/values";
import type { KeyBounds } from "../../tree/index.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { Operation, QueueBatch, QueueEntry } from "./documents.js";
import type * as wire from "./wire.js";

/** A validator of a required value. */
type Of<Type> = Validator<Type, "required", string>;

const values = {
  sumValue: v.optional(v.number()),
  sumValues: v.optional(v.record(v.string(), v.number())),
};
const namespace = v.optional(v.any());
const place = { key: v.any(), id: v.string(), namespace };
const move = {
  currentKey: v.any(),
  newKey: v.any(),
  id: v.string(),
  namespace,
  newNamespace: v.optional(v.any()),
  ...values,
};

const before = v.optional(v.union(v.null(), v.object(values)));

export const operation: Of<Operation> = v.union(
  v.object({ type: v.union(v.literal("insert"), v.literal("put")), ...place, ...values, before }),
  v.object({ type: v.union(v.literal("delete"), v.literal("deleteIfExists")), ...place, before }),
  v.object({ type: v.union(v.literal("replace"), v.literal("replaceOrInsert")), ...move, before }),
);

export const applyArgs: Of<wire.ApplyArgs> = v.object({
  operations: v.array(operation),
  deltas: v.optional(v.boolean()),
});
export const operationsArgs: Of<{ operations: Operation[] }> = v.object({ operations: v.array(operation) });

const entry = v.object({ id: v.id("pendingOperations"), commitTs: v.int64() });
export const batchArgs: Of<{ entries: QueueEntry[]; limit: number }> = v.object({
  entries: v.array(entry),
  limit: v.number(),
});
export const cursorArgs: Of<{ cursor?: bigint | undefined }> = v.object({ cursor: v.optional(v.int64()) });
export const lookArgs: Of<{ operations: Operation[]; own: Operation[] }> = v.object({
  operations: v.array(operation),
  own: v.array(operation),
});
export const look: Of<wire.Look> = v.object({
  isRunning: v.boolean(),
  isBehind: v.boolean(),
  isSuspicious: v.boolean(),
});
export const queueBatch: Of<QueueBatch> = v.object({
  entries: v.array(entry),
  hasMore: v.boolean(),
  hasDeltas: v.boolean(),
});

const bound = v.object({ key: v.any(), id: v.optional(v.string()), inclusive: v.optional(v.boolean()) });
const bounds: Of<KeyBounds> = v.object({
  eq: v.optional(v.any()),
  prefix: v.optional(v.array(v.any())),
  lower: v.optional(bound),
  upper: v.optional(bound),
});
const namespaceSet: Of<wire.NamespaceSet> = v.union(
  v.literal("all"),
  v.array(v.object({ namespace })),
  v.object({ prefix: v.array(v.any()) }),
);
const range = { namespace, namespaces: v.optional(namespaceSet), bounds: v.optional(bounds) };
const definition = v.optional(v.string());
const reading = { stale: v.optional(v.boolean()), definition };
const order = v.union(v.literal("asc"), v.literal("desc"));
const paging = { cursor: v.optional(v.string()), limit: v.number() };

export const treeArgs: Of<wire.TreeArgs> = v.object({ namespace, definition });
export const countsArgs: Of<wire.CountsArgs> = v.object({ queries: v.array(v.object(range)), ...reading });
export const statsArgs: Of<wire.StatsArgs> = v.object({
  queries: v.array(v.object(range)),
  measures: v.array(v.string()),
  ...reading,
});
export const atArgs: Of<wire.AtArgs> = v.object({
  queries: v.array(v.object({ offset: v.number(), ...range })),
  ...reading,
});
export const sampleArgs: Of<wire.SampleArgs> = v.object({
  fractions: v.array(v.number()),
  ...range,
  ...reading,
});
export const percentilesArgs: Of<wire.PercentilesArgs> = v.object({
  percents: v.array(v.number()),
  ...range,
  ...reading,
});
export const histogramArgs: Of<wire.HistogramArgs> = v.object({
  edges: v.array(v.any()),
  ...range,
  ...reading,
});
export const getArgs: Of<wire.GetArgs> = v.object({ ...place, ...reading });
export const rankArgs: Of<wire.RankArgs> = v.object({
  key: v.any(),
  id: v.optional(v.string()),
  order,
  ...range,
  ...reading,
});
export const pageArgs: Of<wire.PageArgs> = v.object({
  offset: v.optional(v.number()),
  order,
  ...paging,
  ...range,
  ...reading,
});
export const namespacesArgs: Of<wire.NamespacesArgs> = v.object({
  ...paging,
  ...reading,
  isLeftover: v.optional(v.boolean()),
});
export const settingsArgs: Of<wire.SettingsArgs> = v.object({
  namespace,
  maxNodeSize: v.optional(v.number()),
  rootLazy: v.optional(v.boolean()),
});

const item = v.object({
  namespace,
  key: v.any(),
  id: v.string(),
  sumValue: v.number(),
  sumValues: v.optional(v.record(v.string(), v.number())),
});
const numberOrNull = v.union(v.number(), v.null());

export const items: Of<wire.WireItem[]> = v.array(item);
export const itemOrNull: Of<wire.WireItem | null> = v.union(item, v.null());
export const stats: Of<wire.WireStats[]> = v.array(
  v.object({
    count: v.number(),
    measures: v.array(v.object({ count: v.number(), sum: v.number(), min: numberOrNull, max: numberOrNull })),
  }),
);
export const itemPage: Of<wire.WirePage<wire.WireItem>> = v.object({
  page: v.array(item),
  cursor: v.string(),
  isDone: v.boolean(),
});
export const namespacePage: Of<wire.WirePage<wire.NamespaceArgs>> = v.object({
  page: v.array(v.object({ namespace })),
  cursor: v.string(),
  isDone: v.boolean(),
});
export const queueStatus: Of<wire.QueueStatus> = v.object({
  state: v.union(v.literal("idle"), v.literal("running")),
  pendingOperations: v.number(),
  hasMore: v.boolean(),
  hasDeadLetters: v.boolean(),
});
export const validationReport: Of<wire.ValidationReport> = v.object({
  problems: v.array(v.object({ kind: v.string(), node: v.string(), message: v.string() })),
  nodes: v.number(),
  items: v.number(),
  next: v.union(v.string(), v.null()),
});

export const validateArgs: Of<wire.ValidateArgs> = v.object({
  namespace,
  definition,
  from: v.optional(v.string()),
  leaves: v.optional(v.number()),
});
export const takeArgs: Of<{ take?: number | undefined }> = v.object({ take: v.optional(v.number()) });

const deadLetter = v.object({
  _id: v.id("deadLetterOperations"),
  _creationTime: v.number(),
  commitTs: v.int64(),
  operation,
  error: v.string(),
});
export const deadLetterArgs: Of<{ id: Id<"deadLetterOperations"> }> = v.object({
  id: v.id("deadLetterOperations"),
});
export const deadLetterListArgs: Of<wire.DeadLetterListArgs> = v.object({
  paginationOpts: paginationOptsValidator,
  order: v.optional(order),
});
export const deadLetterOrNull: Of<Doc<"deadLetterOperations"> | null> = v.union(deadLetter, v.null());
export const deadLetterPage: Of<PaginationResult<Doc<"deadLetterOperations">>> =
  paginationResultValidator(deadLetter);
