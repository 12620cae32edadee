/* eslint-disable */
/** References to the component's own functions. Kept by hand, like the data model. */
import { anyApi, type FunctionReference } from "convex/server";
import type { JobRow } from "../jobs/job.js";
import type { ComponentApi } from "./component.js";

type Internal<Args extends Record<string, unknown>> = FunctionReference<"mutation", "internal", Args, null>;

export const api: ComponentApi = anyApi as unknown as ComponentApi;

export const internal: {
  lib: {
    work: Internal<{ job: JobRow["_id"]; turn: number }>;
    supervise: Internal<{ job: JobRow["_id"] }>;
    retryRest: Internal<{ name: string; until: number }>;
    forget: Internal<{ name: string; epoch: number }>;
  };
} = anyApi as never;
