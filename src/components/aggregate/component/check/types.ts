/**
 * What the component stores about checks. A run's record changes with its findings; how far it has come is apart, in
 * documents that only its own steps read and write, so that no writer of the aggregate ever meets a check.
 * (Aliases, not interfaces: only those are documents to Convex's types.)
 */
import type { DifferenceKind } from "../../../../seams/index.js";
import type { GenericId, Value } from "convex/values";
import type { FillCursor, GenerationFailure } from "../generation/types.js";

export type DifferenceCounts = Record<DifferenceKind, number>;

/** A document that a write came upon, whose item was not what it should have been. */
export type DriftedDocument = {
  id: string;
  kind: DifferenceKind;
  atMs: number;
};

/** What writes have come upon in a generation since a check last looked into it. */
export type DriftFields = {
  generation: number;
  /** How many documents. */
  count: number;
  /** The first of them. */
  documents: DriftedDocument[];
  /** The run that was begun after the latest of them; absent until there is one. */
  run?: GenericId<"checkRuns">;
};

/** A run of a check, and what it has found so far. */
export type CheckRunFields = {
  generation: number;
  repair: boolean;
  startedBy: string;
  startedAtMs: number;
  status: "running" | "done" | "failed";
  /** From the start to the end of a run that is over. */
  durationMs?: number;
  /** How much it has compared. */
  checked?: { nodes: number; items: number; documents: number };
  failure?: GenerationFailure;
  counts: DifferenceCounts;
  /** How many of the differences are mended. */
  fixed: number;
};

/**
 * What a run does next. `structure`: compare each node with its parent. `digest`: add up the documents. `compare`: fold the
 * trees over the same ranges. Where they differ, `items`: look up each item's document, and `documents`: each document's
 * item. For trees that are damaged, `plant` successors, `refill` them from the table, `install` them in their place.
 */
export const checkPhases = [
  "structure",
  "digest",
  "compare",
  "items",
  "documents",
  "plant",
  "refill",
  "install",
] as const;

export type CheckPhase = (typeof checkPhases)[number];

/** A place in the trees of a generation, in a namespace or, where that is absent, in the tree without one. */
export type TreePlace = {
  namespace?: Value;
  /** The encoded position to go on at, or null when this tree is done. */
  from: string | null;
};

/** How far a run has come. Written by each of its steps. */
export type CheckStepFields = {
  run: GenericId<"checkRuns">;
  phase: CheckPhase;
  /** Where the phase goes on: in the trees (absent at the first of them), */
  place?: TreePlace;
  /** or in the table (absent at its first document). */
  cursor?: FillCursor;
  /** How many documents, or items, the next step may take. */
  batchSize: number;
  /** What was compared so far. */
  nodes: number;
  items: number;
  documents: number;
};

/** Where a run's buckets end, and how those ends are collected. */
export type CheckBucketsFields = {
  run: GenericId<"checkRuns">;
  separators: string[];
  stride: number;
  behind: number;
  last: string;
};

/** What a run has added up, by bucket: of the documents, and of the trees. */
export type CheckSumsFields = {
  run: GenericId<"checkRuns">;
  documentCounts: number[];
  documentDigests: (number | null)[];
  treeCounts: number[];
  treeDigests: (number | null)[];
};

/** A tree whose structure is damaged; only its rebuilding helps, so its items are not looked at. */
export type CheckDamageFields = {
  run: GenericId<"checkRuns">;
  /** The encoding of the namespace. */
  space: string;
  namespace?: Value;
  /** `planted`: it has a successor. `installed`: that has taken its place. */
  state: "found" | "planted" | "installed";
};

/** An item, as differences show it. */
export type ShownItem = {
  namespace?: Value;
  key: Value;
  sumValue?: number;
  sumValues?: Record<string, number>;
};

/** A node that is not as it should be, as differences show it. */
export type ShownDamage = {
  namespace?: Value;
  problem: string;
  message: string;
};

/** One difference between a table and its aggregate. */
export type DifferenceFields = {
  run: GenericId<"checkRuns">;
  /** The document's id, or the name of a node. */
  id: string;
  kind: DifferenceKind;
  /** What should be, null for nothing. */
  expected: ShownItem | null;
  /** What was found instead, null for nothing. */
  actual: ShownItem | ShownDamage | null;
  fixed: boolean;
};

/** Items of documents in columns, which are quicker to pass than lists of objects. */
export type ItemColumns = {
  /** The namespaces that there are. */
  namespaces: { namespace?: Value | undefined }[];
  /** By item: the index of its namespace. */
  spaces: number[];
  keys: Value[];
  ids: string[];
  /** The names of the items' numbers; "" is the plain `sumValue`. */
  measures: string[];
  /** By measure, then by item; null where the item lacks it. */
  values: (number | null)[][];
};
