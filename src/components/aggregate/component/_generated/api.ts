/** References to the component's own functions, as code generation gives them. */
import { anyApi, type FunctionReference } from "convex/server";
import type { QueueEntry } from "../documents.js";

interface InternalApi {
  queue: {
    applyBatch: FunctionReference<"mutation", "internal", { entries: QueueEntry[]; limit: number }, bigint>;
    nextBatch: FunctionReference<"query", "internal", { cursor?: bigint }, QueueEntry[]>;
  };
  trees: {
    sweep: FunctionReference<"mutation", "internal", { nodes: string[] }, null>;
  };
  worker: {
    run: FunctionReference<"mutation", "internal", { generation: number }, null>;
    watch: FunctionReference<"mutation", "internal", Record<string, never>, null>;
  };
}

export const internal: InternalApi = anyApi as unknown as InternalApi;
