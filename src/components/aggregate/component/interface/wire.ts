/** What the component's functions take and give, beside what it stores (`interface/documents.ts`). Aliases: see there. */
import type { PaginationOptions } from "convex/server";
import type { Value } from "convex/values";
import type { KeyBounds, Order } from "../../tree/index.js";
import type { Operation } from "./documents.js";

export type ApplyArgs = {
  operations: Operation[];
  /** Whether they are appended as deltas; as the component is set when left out. */
  deltas?: boolean | undefined;
};

/** Names the definition of a managed aggregate; without it, a call is about the generation that nobody manages. */
export type DefinitionArgs = {
  definition?: string | undefined;
};

/** Reads refuse to answer while writes are queued, unless they may be stale. */
export type ReadingArgs = DefinitionArgs & {
  stale?: boolean | undefined;
};

export type NamespaceArgs = {
  namespace?: Value | undefined;
};

/** Several namespaces: all there are, a list of them, or the arrays among them that start with a prefix. */
export type NamespaceSet = "all" | NamespaceArgs[] | { prefix: Value[] };

/** Which items a question is about: those of one namespace, or several, within bounds. */
export type RangeArgs = NamespaceArgs & {
  namespaces?: NamespaceSet | undefined;
  bounds?: KeyBounds | undefined;
};

export type CountsArgs = ReadingArgs & {
  queries: RangeArgs[];
};

export type StatsArgs = CountsArgs & {
  /** The measures to tell of; "" is the plain `sumValue`. */
  measures: string[];
};

export type AtArgs = ReadingArgs & {
  /** A negative offset counts from the end: -1 is the last item. */
  queries: (RangeArgs & { offset: number })[];
};

export type SampleArgs = RangeArgs &
  ReadingArgs & {
    /** One for each item that is wanted, each from 0 up to but not including 1. */
    fractions: number[];
  };

export type PercentilesArgs = RangeArgs &
  ReadingArgs & {
    /** From 0 to 100. */
    percents: number[];
  };

export type HistogramArgs = RangeArgs &
  ReadingArgs & {
    /** Ascending keys. */
    edges: Value[];
  };

export type GetArgs = NamespaceArgs &
  ReadingArgs & {
    key: Value;
    id: string;
  };

export type RankArgs = RangeArgs &
  ReadingArgs & {
    key: Value;
    id?: string | undefined;
    order: Order;
  };

export type PageArgs = RangeArgs &
  ReadingArgs & {
    cursor?: string | undefined;
    /** How many items to pass over, when there is no cursor. */
    offset?: number | undefined;
    order: Order;
    limit: number;
  };

export type NamespacesArgs = ReadingArgs & {
  /** To be cleared: of a class without `table`, also where a managed aggregate has come to keep the component. */
  isLeftover?: boolean | undefined;
  cursor?: string | undefined;
  limit: number;
};

export type SettingsArgs = NamespaceArgs & {
  maxNodeSize?: number | undefined;
  rootLazy?: boolean | undefined;
};

/** An item, as reads return it: `sumValue` is 0 for an item that was added without. */
export type WireItem = NamespaceArgs & {
  key: Value;
  id: string;
  sumValue: number;
  sumValues?: Record<string, number> | undefined;
};

/** One measure of the items in a range; `min` and `max` are null when none of them has it. */
export type WireMeasure = {
  count: number;
  sum: number;
  min: number | null;
  max: number | null;
};

/** The items in a range, and of each measure that was asked for. */
export type WireStats = {
  count: number;
  measures: WireMeasure[];
};

/** A page, and the cursor that the next one starts from; "" after the last. */
export type WirePage<T> = {
  page: T[];
  cursor: string;
  isDone: boolean;
};

/** The tree of a namespace. */
export type TreeArgs = NamespaceArgs & DefinitionArgs;

export type ValidateArgs = TreeArgs & {
  /** Where to go on: `next` of the part before. */
  from?: string | undefined;
  /** How many leaves to visit. */
  leaves?: number | undefined;
};

export type DeadLetterListArgs = {
  paginationOpts: PaginationOptions;
  order?: Order | undefined;
};

/** What the queue does, and what waits in its first entries; `hasMore` says that there are others behind. */
export type QueueStatus = {
  state: "idle" | "running";
  pendingOperations: number;
  hasMore: boolean;
  hasDeadLetters: boolean;
};

/** A part of the structural check: what is wrong, how much was checked, and from where to go on. */
export type ValidationReport = {
  problems: { kind: string; node: string; message: string }[];
  nodes: number;
  items: number;
  next: string | null;
};

/** What a snapshot shows to a writer of deltas. */
export type Look = {
  isRunning: boolean;
  /** The worker needs help. */
  isBehind: boolean;
  /** Some of the writer's operations would be refused. */
  isSuspicious: boolean;
};
