/* eslint-disable */
/** References to the component's own functions. Kept by hand, like the data model. */
import { anyApi, type FunctionReference } from "convex/server";
import type { ComponentApi } from "./component.js";
import type { Id } from "./dataModel.js";

type JobId = Id<"migrations"> | Id<"ranges"> | Id<"checks">;
type Internal<Args extends Record<string, unknown>> = FunctionReference<"mutation", "internal", Args, null>;

export const api: ComponentApi = anyApi as unknown as ComponentApi;

export const internal: {
  lib: {
    work: Internal<{ job: JobId; turn: number }>;
    supervise: Internal<{ job: JobId }>;
    retryRest: Internal<{ name: string; until: number }>;
    forget: Internal<{ name: string; epoch: number }>;
  };
} = anyApi as never;
