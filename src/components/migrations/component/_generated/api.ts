/* eslint-disable */
/** References to the component's own functions. Kept by hand, like the data model. */
import { anyApi, type FunctionReference } from "convex/server";
import type { MigrationRow } from "../rows.js";
import type { ComponentApi } from "./component.js";

type Internal<Args extends Record<string, unknown>> = FunctionReference<"mutation", "internal", Args, null>;

export const api: ComponentApi = anyApi as unknown as ComponentApi;

export const internal: {
  lib: {
    work: Internal<{ migration: MigrationRow["_id"]; turn: number }>;
    supervise: Internal<{ migration: MigrationRow["_id"] }>;
  };
} = anyApi as never;
