/** What the functions that drive builds take and give. Aliases: see `interface/documents.ts`. */
import type { ExactSum } from "../../tree/index.js";
import type { BuildProgress, DefinitionState } from "./progress.js";
import type { DriftedDocument } from "../check/types.js";
import type { LastVerified } from "../check/lifecycle.js";
import type { Operation } from "../interface/documents.js";
import type { FillCursor, GenerationFailure } from "./types.js";

export type BeginArgs = {
  definition: string;
  /** Leaves what other definitions have built alone. */
  standby?: boolean | undefined;
  /** Does not trust what this definition had built before: not every write was followed. */
  fresh?: boolean | undefined;
};

export type RebuildArgs = {
  definition: string;
  maxNodeSize?: number | undefined;
  rootLazy?: boolean | undefined;
};

/** What is to be done next, and how the definition stands. */
export type Due = { state: DefinitionState } & (
  | { kind: "begin" | "clear" | "nothing" }
  | {
      kind: "fill";
      generation: number;
      /** Behind which document to go on. */
      cursor?: FillCursor | undefined;
      /** How many documents to take at most. */
      limit: number;
      /** The fill is to say how large the table is. */
      isFirst: boolean;
    }
  | { kind: "run"; generation: number; runId: string }
  | { kind: "wait"; waitMs: number }
);

/** How large a table is when its build begins; see `BuildFields`. */
export type TableSize = {
  total: number | null;
  span: { first: number; last: number } | null;
};

export type FillArgs = {
  generation: number;
  /** What the documents are to the aggregate, in the order of their creation. */
  operations: Operation[];
  /** When each of them was created. */
  creationTimes: number[];
  /** True when there are no more documents. */
  isDone: boolean;
  /** Of the document behind these, which was refused. */
  failure?: GenerationFailure | undefined;
  size?: TableSize | undefined;
  /** When the batch began. */
  beganAtMs: number;
};

export type FollowArgs = {
  definition: string;
  operations: Operation[];
  /** Begins a build where there is none. */
  begins?: boolean | undefined;
  /** Queues them, to be applied by the worker. */
  queued?: boolean | undefined;
  /** Appends them as deltas, or not; as the component is set when left out. */
  deltas?: boolean | undefined;
};

/** How a definition stands, and whether one of its generations has failed. */
export type Standing = {
  state: DefinitionState;
  hasFailed: boolean;
};

export type Status = BuildProgress & {
  state: DefinitionState;
  generation: number;
  lastVerified: LastVerified | null;
  drift: number | null;
  drifted: DriftedDocument[];
  error: string | null;
  errorDocumentId: string | null;
};

export type SizeArgs = {
  generation: number;
  cursor?: string | undefined;
};

/** What some trees hold; `cursor` is null when there are no others behind them. */
export type Size = {
  items: number;
  namespaces: number;
  /** Of the plain `sumValue`s, as it is kept. */
  sum: ExactSum;
  nodes: number;
  sizeBytes: number;
  cursor: string | null;
};
