/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type * as aggregates from "../aggregates.js";
import type * as flights from "../flights.js";
import type * as questions from "../questions.js";

import type { ApiFromModules, FilterApi, FunctionReference } from "convex/server";

declare const fullApi: ApiFromModules<{
  aggregates: typeof aggregates;
  flights: typeof flights;
  questions: typeof questions;
}>;

export declare const api: FilterApi<typeof fullApi, FunctionReference<any, "public">>;
export declare const internal: FilterApi<typeof fullApi, FunctionReference<any, "internal">>;

export declare const components: {
  byDelay: import("trueup/aggregate/_generated/component.js").ComponentApi<"byDelay">;
  byDistance: import("trueup/aggregate/_generated/component.js").ComponentApi<"byDistance">;
  byHour: import("trueup/aggregate/_generated/component.js").ComponentApi<"byHour">;
  migrations: import("trueup/migrations/_generated/component.js").ComponentApi<"migrations">;
};
