/** References to the component's own functions, as code generation gives them. */
import { anyApi, type FunctionReference } from "convex/server";
import type { Id } from "./dataModel.js";
import type { Operation } from "../interface/operation.js";
import type { QueueBatch, QueueEntry } from "../queue/pending.js";

interface InternalApi {
  bulk: {
    beside: FunctionReference<
      "query",
      "internal",
      { generation: number; limit: number },
      Id<"besideOperations">[]
    >;
  };
  deltas: {
    look: FunctionReference<
      "query",
      "internal",
      { operations: Operation[]; own: Operation[] },
      { isRunning: boolean; isBehind: boolean; isSuspicious: boolean }
    >;
  };
  generations: {
    sweep: FunctionReference<"mutation", "internal", Record<string, never>, null>;
  };
  queue: {
    applyBatch: FunctionReference<"mutation", "internal", { entries: QueueEntry[]; limit: number }, bigint>;
    waiting: FunctionReference<"query", "internal", { generation: number; ids: string[] }, string[]>;
    isWaiting: FunctionReference<"query", "internal", Record<string, never>, boolean>;
    nextBatch: FunctionReference<"query", "internal", { cursor?: bigint }, QueueBatch>;
  };
  trees: {
    sweep: FunctionReference<"mutation", "internal", { nodes: string[] }, null>;
  };
  worker: {
    begin: FunctionReference<"mutation", "internal", Record<string, never>, null>;
    relieve: FunctionReference<"mutation", "internal", Record<string, never>, null>;
    run: FunctionReference<"mutation", "internal", { generation: number }, null>;
    watch: FunctionReference<"mutation", "internal", Record<string, never>, null>;
  };
}

export const internal: InternalApi = anyApi as unknown as InternalApi;
