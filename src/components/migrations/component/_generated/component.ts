/* eslint-disable */
/** What `components.migrations` offers to an app. Kept by hand, like the data model. */
import type { FunctionReference } from "convex/server";
import type { MigrationStatus } from "../../protocol.js";
import type { RunSummary } from "../history.js";

export type StartArgs = {
  name: string;
  fnHandle: string;
  cursor?: string | null;
  batchSize?: number;
  oneBatchOnly?: boolean;
  next?: Array<{ name: string; fnHandle: string }>;
  dryRun: boolean;
  reset?: boolean;
  startedBy?: string;
};

export type ComponentApi<Name extends string | undefined = string | undefined> = {
  lib: {
    cancel: FunctionReference<"mutation", "internal", { name: string }, MigrationStatus, Name>;
    cancelAll: FunctionReference<"mutation", "internal", { sinceTs?: number }, MigrationStatus[], Name>;
    clearAll: FunctionReference<"mutation", "internal", { before?: number }, null, Name>;
    getHistory: FunctionReference<"query", "internal", { name?: string; limit?: number }, RunSummary[], Name>;
    getStatus: FunctionReference<
      "query",
      "internal",
      { names?: string[]; limit?: number },
      MigrationStatus[],
      Name
    >;
    migrate: FunctionReference<"mutation", "internal", StartArgs, MigrationStatus, Name>;
  };
};
