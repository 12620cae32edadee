/**
 * The component's interface as an app sees it, in the form that code generation gives it.
 */
import type { FunctionReference } from "convex/server";

type Item = { namespace?: any; key: any; id: string; sumValue: number; sumValues?: Record<string, number> };

type Bound = { key: any; id?: string; inclusive?: boolean };

type Range = {
  namespace?: any;
  namespaces?: "all" | Array<{ namespace?: any }> | { prefix: Array<any> };
  bounds?: { eq?: any; prefix?: Array<any>; lower?: Bound; upper?: Bound };
};

type Before = { sumValue?: number; sumValues?: Record<string, number> } | null;

type Operation =
  | {
      type: "insert" | "put";
      key: any;
      id: string;
      namespace?: any;
      sumValue?: number;
      sumValues?: Record<string, number>;
      before?: Before;
    }
  | { type: "delete" | "deleteIfExists"; key: any; id: string; namespace?: any; before?: Before }
  | {
      type: "replace" | "replaceOrInsert";
      currentKey: any;
      newKey: any;
      id: string;
      namespace?: any;
      newNamespace?: any;
      sumValue?: number;
      sumValues?: Record<string, number>;
      before?: Before;
    };

type State = "empty" | "building" | "checking" | "ready" | "failed" | "dropped";

type Failure = { message: string; documentId?: string };

type DeadLetter = { _id: string; _creationTime: number; commitTs: bigint; operation: Operation; error: string };

type Cursor = { creationTime: number; id: string };

type Columns = {
  ids: Array<string>;
  keys: Array<any>;
  measures: Array<string>;
  namespaces: Array<{ namespace?: any }>;
  spaces: Array<number>;
  values: Array<Array<number | null>>;
};

type Task =
  | { kind: "over" }
  | { kind: "again" }
  | { kind: "wait"; waitMs: number }
  | { kind: "documents"; cursor?: Cursor; limit: number }
  | { kind: "items"; ids: Array<string> };

type DifferenceKind =
  | "missing"
  | "orphaned"
  | "wrongKey"
  | "wrongSum"
  | "wrongNamespace"
  | "duplicate"
  | "structure";

type Report = {
  checked: { documents: number; items: number; nodes: number };
  continueCursor: string | null;
  counts: Record<DifferenceKind, number>;
  differences: Array<{ actual: any; expected: any; fixed: boolean; id: string; kind: DifferenceKind }>;
  durationMs: number;
  failure: Failure | null;
  fixed: number;
  phase: string | null;
  repair: boolean;
  runId: string;
  startedAtMs: number;
  startedBy: string;
  status: "running" | "done" | "failed";
};

/**
 * References to the component's functions: what `components.aggregate` of an app is.
 */
export type ComponentApi<Name extends string | undefined = string | undefined> = {
  deadLetter: {
    delete_: FunctionReference<"mutation", "internal", { id: string }, boolean, Name>;
    get: FunctionReference<"query", "internal", { id: string }, DeadLetter | null, Name>;
    list: FunctionReference<
      "query",
      "internal",
      {
        order?: "asc" | "desc";
        paginationOpts: {
          cursor: string | null;
          endCursor?: string | null;
          id?: number;
          maximumBytesRead?: number;
          maximumRowsRead?: number;
          numItems: number;
        };
      },
      {
        continueCursor: string;
        isDone: boolean;
        page: Array<DeadLetter>;
        pageStatus?: "SplitRecommended" | "SplitRequired" | null;
        splitCursor?: string | null;
      },
      Name
    >;
    retry: FunctionReference<"mutation", "internal", { id: string }, boolean, Name>;
  };
  deltas: {
    configure: FunctionReference<"mutation", "internal", { enabled: boolean }, null, Name>;
  };
  generations: {
    begin: FunctionReference<
      "mutation",
      "internal",
      { definition: string; fresh?: boolean; standby?: boolean },
      State,
      Name
    >;
    clear: FunctionReference<"mutation", "internal", {}, null, Name>;
    due: FunctionReference<
      "mutation",
      "internal",
      { definition: string },
      { state: State } & (
        | { kind: "begin" | "clear" | "nothing" }
        | {
            kind: "fill";
            generation: number;
            cursor?: { creationTime: number; id: string };
            limit: number;
            isFirst: boolean;
          }
        | { kind: "run"; generation: number; runId: string }
        | { kind: "wait"; waitMs: number }
      ),
      Name
    >;
    fill: FunctionReference<
      "mutation",
      "internal",
      {
        beganAtMs: number;
        creationTimes: Array<number>;
        failure?: Failure;
        generation: number;
        isDone: boolean;
        operations: Array<Operation>;
        size?: { total: number | null; span: { first: number; last: number } | null };
      },
      null,
      Name
    >;
    release: FunctionReference<"mutation", "internal", {}, null, Name>;
    rebuild: FunctionReference<
      "mutation",
      "internal",
      { definition: string; maxNodeSize?: number; rootLazy?: boolean },
      null,
      Name
    >;
    shrink: FunctionReference<
      "mutation",
      "internal",
      { failure: Failure; generation: number },
      null,
      Name
    >;
  };
  inspect: {
    dump: FunctionReference<"query", "internal", { definition?: string; namespace?: any }, string, Name>;
    listNodes: FunctionReference<"query", "internal", { take?: number }, Array<any>, Name>;
    listTrees: FunctionReference<"query", "internal", { take?: number }, Array<any>, Name>;
    validate: FunctionReference<
      "query",
      "internal",
      { definition?: string; from?: string; leaves?: number; namespace?: any },
      {
        items: number;
        next: string | null;
        nodes: number;
        problems: Array<{ kind: string; message: string; node: string }>;
      },
      Name
    >;
  };
  managed: {
    follow: FunctionReference<
      "mutation",
      "internal",
      {
        begins?: boolean;
        definition: string;
        deltas?: boolean;
        operations: Array<Operation>;
        queued?: boolean;
      },
      boolean,
      Name
    >;
    size: FunctionReference<
      "query",
      "internal",
      { cursor?: string; generation: number },
      {
        cursor: string | null;
        items: number;
        namespaces: number;
        nodes: number;
        sizeBytes: number;
        sum: any;
      },
      Name
    >;
    standing: FunctionReference<
      "query",
      "internal",
      { definition: string },
      { hasFailed: boolean; state: State },
      Name
    >;
    status: FunctionReference<
      "query",
      "internal",
      { definition: string },
      {
        drift: number | null;
        drifted: Array<{ atMs: number; id: string; kind: DifferenceKind }>;
        error: string | null;
        errorDocumentId: string | null;
        etaMs: number | null;
        generation: number;
        lastVerified: { atMs: number; differences: number; durationMs: number } | null;
        processed: number;
        ratePerSecond: number | null;
        state: State;
        total: number | null;
      },
      Name
    >;
  };
  queue: {
    enqueue: FunctionReference<"mutation", "internal", { operations: Array<Operation> }, null, Name>;
    status: FunctionReference<
      "query",
      "internal",
      {},
      { hasDeadLetters: boolean; hasMore: boolean; pendingOperations: number; state: "idle" | "running" },
      Name
    >;
  };
  reads: {
    at: FunctionReference<
      "query",
      "internal",
      { queries: Array<Range & { offset: number }>; stale?: boolean; definition?: string },
      Array<Item>,
      Name
    >;
    counts: FunctionReference<
      "query",
      "internal",
      { queries: Array<Range>; stale?: boolean; definition?: string },
      Array<number>,
      Name
    >;
    get: FunctionReference<
      "query",
      "internal",
      { id: string; key: any; namespace?: any; stale?: boolean; definition?: string },
      Item | null,
      Name
    >;
    histogram: FunctionReference<
      "query",
      "internal",
      Range & { edges: Array<any>; stale?: boolean; definition?: string },
      Array<number>,
      Name
    >;
    namespaces: FunctionReference<
      "query",
      "internal",
      { cursor?: string; limit: number; stale?: boolean; definition?: string; isLeftover?: boolean },
      { cursor: string; isDone: boolean; page: Array<{ namespace?: any }> },
      Name
    >;
    page: FunctionReference<
      "query",
      "internal",
      Range & { cursor?: string; limit: number; offset?: number; order: "asc" | "desc"; stale?: boolean; definition?: string },
      { cursor: string; isDone: boolean; page: Array<Item> },
      Name
    >;
    percentiles: FunctionReference<
      "query",
      "internal",
      Range & { percents: Array<number>; stale?: boolean; definition?: string },
      Array<Item>,
      Name
    >;
    rank: FunctionReference<
      "query",
      "internal",
      Range & { id?: string; key: any; order: "asc" | "desc"; stale?: boolean; definition?: string },
      number,
      Name
    >;
    sample: FunctionReference<
      "query",
      "internal",
      Range & { fractions: Array<number>; stale?: boolean; definition?: string },
      Array<Item>,
      Name
    >;
    stats: FunctionReference<
      "query",
      "internal",
      { measures: Array<string>; queries: Array<Range>; stale?: boolean; definition?: string },
      Array<{
        count: number;
        measures: Array<{ count: number; max: number | null; min: number | null; sum: number }>;
      }>,
      Name
    >;
  };
  trees: {
    clear: FunctionReference<
      "mutation",
      "internal",
      { maxNodeSize?: number; namespace?: any; rootLazy?: boolean },
      null,
      Name
    >;
    makeRootLazy: FunctionReference<
      "mutation",
      "internal",
      { definition?: string; namespace?: any },
      null,
      Name
    >;
  };
  verification: {
    documents: FunctionReference<
      "mutation",
      "internal",
      { columns: Columns; cursor?: Cursor; isDone: boolean; runId: string },
      Task,
      Name
    >;
    due: FunctionReference<"query", "internal", { definition?: string }, string | null, Name>;
    fail: FunctionReference<"mutation", "internal", { failure: Failure; runId: string }, null, Name>;
    items: FunctionReference<"mutation", "internal", { columns: Columns; runId: string }, Task, Name>;
    proceed: FunctionReference<"mutation", "internal", { runId: string }, Task, Name>;
    report: FunctionReference<
      "query",
      "internal",
      { cursor?: string; definition?: string; limit?: number; runId?: string },
      Report | null,
      Name
    >;
    start: FunctionReference<
      "mutation",
      "internal",
      { definition?: string; repair: boolean; startedBy: string },
      string,
      Name
    >;
  };
  writes: {
    apply: FunctionReference<
      "mutation",
      "internal",
      { deltas?: boolean; operations: Array<Operation> },
      null,
      Name
    >;
  };
};
