/* eslint-disable */
/** What `components.migrations` offers to an app. Kept by hand, like the data model. */
import type { FunctionReference } from "convex/server";
import type { OnError } from "../protocol.js";
import type {
  CheckStatus,
  MigrationStatus,
  QuarantinedDocument,
  RetryResult,
  RunSummary,
} from "../status.js";

export type StartArgs = {
  name: string;
  fnHandle: string;
  cursor?: string | null;
  batchSize?: number;
  oneBatchOnly?: boolean;
  next?: Array<{ name: string; fnHandle: string }>;
  dryRun: boolean;
  reset?: boolean;
  onError?: OnError;
  maxDocumentsPerSecond?: number;
  startedBy?: string;
};

export type CheckArgs = {
  name: string;
  kind: "rehearse" | "verify";
  fnHandle?: string;
  batchSize?: number;
  startedBy?: string;
};

export type TuneArgs = {
  name: string;
  batchSize?: number | null;
  maxDocumentsPerSecond?: number | null;
  onError?: OnError | null;
};

type Named = { name: string };
type Started = { name: string; startedBy?: string };

export type ComponentApi<Name extends string | undefined = string | undefined> = {
  lib: {
    cancel: FunctionReference<"mutation", "internal", Named, MigrationStatus, Name>;
    cancelAll: FunctionReference<"mutation", "internal", { sinceTs?: number }, MigrationStatus[], Name>;
    check: FunctionReference<"mutation", "internal", CheckArgs, CheckStatus, Name>;
    clearAll: FunctionReference<"mutation", "internal", { before?: number }, null, Name>;
    getChecks: FunctionReference<"query", "internal", { name?: string }, CheckStatus[], Name>;
    getHistory: FunctionReference<"query", "internal", { name?: string; limit?: number }, RunSummary[], Name>;
    getQuarantine: FunctionReference<
      "query",
      "internal",
      { name: string; limit?: number },
      QuarantinedDocument[],
      Name
    >;
    getStatus: FunctionReference<
      "query",
      "internal",
      { names?: string[]; limit?: number },
      MigrationStatus[],
      Name
    >;
    migrate: FunctionReference<"mutation", "internal", StartArgs, MigrationStatus, Name>;
    pause: FunctionReference<"mutation", "internal", Named, MigrationStatus, Name>;
    resume: FunctionReference<"mutation", "internal", Started, MigrationStatus, Name>;
    retry: FunctionReference<"mutation", "internal", Named, RetryResult, Name>;
    revert: FunctionReference<"mutation", "internal", Started, MigrationStatus, Name>;
    stopChecks: FunctionReference<"mutation", "internal", Named, null, Name>;
    tune: FunctionReference<"mutation", "internal", TuneArgs, MigrationStatus, Name>;
  };
};
