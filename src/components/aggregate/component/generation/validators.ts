/** What the functions that drive builds take and give, as Convex checks it; `generation/wire.ts` gives the types. */
import { v, type Validator } from "convex/values";
import { drifted } from "../check/tables.js";
import type { DefinitionState } from "./progress.js";
import type { GenerationFailure } from "./types.js";
import type * as wire from "./wire.js";
import { operation } from "../interface/validators.js";

type Of<Type> = Validator<Type, "required", string>;

const numberOrNull = v.union(v.number(), v.null());

export const definitionState: Of<DefinitionState> = v.union(
  v.literal("empty"),
  v.literal("building"),
  v.literal("checking"),
  v.literal("ready"),
  v.literal("failed"),
  v.literal("dropped"),
);

export const definitionArgs: Of<{ definition: string }> = v.object({ definition: v.string() });
export const beginArgs: Of<wire.BeginArgs> = v.object({
  definition: v.string(),
  standby: v.optional(v.boolean()),
  fresh: v.optional(v.boolean()),
});
export const rebuildArgs: Of<wire.RebuildArgs> = v.object({
  definition: v.string(),
  maxNodeSize: v.optional(v.number()),
  rootLazy: v.optional(v.boolean()),
});

const state = definitionState;
const cursor = v.object({ creationTime: v.number(), id: v.string() });
const failure: Of<GenerationFailure> = v.object({
  message: v.string(),
  documentId: v.optional(v.string()),
});

export const due: Of<wire.Due> = v.union(
  v.object({
    kind: v.union(v.literal("begin"), v.literal("clear"), v.literal("nothing")),
    state,
  }),
  v.object({
    kind: v.literal("fill"),
    state,
    generation: v.number(),
    cursor: v.optional(cursor),
    limit: v.number(),
    isFirst: v.boolean(),
  }),
  v.object({ kind: v.literal("run"), state, generation: v.number(), runId: v.string() }),
  v.object({ kind: v.literal("wait"), state, waitMs: v.number() }),
);

export const fillArgs: Of<wire.FillArgs> = v.object({
  generation: v.number(),
  operations: v.array(operation),
  creationTimes: v.array(v.number()),
  isDone: v.boolean(),
  failure: v.optional(failure),
  size: v.optional(
    v.object({
      total: numberOrNull,
      span: v.union(v.object({ first: v.number(), last: v.number() }), v.null()),
    }),
  ),
  beganAtMs: v.number(),
});
export const shrinkArgs: Of<{ generation: number; failure: GenerationFailure }> = v.object({
  generation: v.number(),
  failure,
});

export const followArgs: Of<wire.FollowArgs> = v.object({
  definition: v.string(),
  operations: v.array(operation),
  begins: v.optional(v.boolean()),
  queued: v.optional(v.boolean()),
  deltas: v.optional(v.boolean()),
});
export const standing: Of<wire.Standing> = v.object({ state, hasFailed: v.boolean() });

export const status: Of<wire.Status> = v.object({
  state,
  generation: v.number(),
  processed: v.number(),
  total: numberOrNull,
  ratePerSecond: numberOrNull,
  etaMs: numberOrNull,
  lastVerified: v.union(
    v.object({ atMs: v.number(), differences: v.number(), durationMs: v.number() }),
    v.null(),
  ),
  drift: numberOrNull,
  drifted: v.array(drifted),
  error: v.union(v.string(), v.null()),
  errorDocumentId: v.union(v.string(), v.null()),
});

export const sizeArgs: Of<wire.SizeArgs> = v.object({
  generation: v.number(),
  cursor: v.optional(v.string()),
});
export const size: Of<wire.Size> = v.object({
  items: v.number(),
  namespaces: v.number(),
  sum: v.any(),
  nodes: v.number(),
  sizeBytes: v.number(),
  cursor: v.union(v.string(), v.null()),
});
