/**
 * What a server tells about itself: its name, its addresses, and what the official backend has but this one has not yet. Such
 * features are known by name, so that a caller is told at once what is missing; a 404 would make the official CLI try again
 * for half a minute.
 */
import { HttpError } from "../http/http-error.js";
import type { Route } from "../http/route.js";
import { siteUrlOf } from "./http-actions.js";

/** What the official backend has and this one has not yet. */
const features: readonly (readonly [feature: string, method: Route["method"], path: string])[] = [
  ["Reading at an earlier time", "POST", "/api/query_at_ts"],
  ["Log streaming", "GET", "/api/stream_udf_execution"],
  ["Export", "POST", "/api/export/*"],
  ["Export", "GET", "/api/export/*"],
  ["Import", "POST", "/api/import/*"],
  ["Import", "POST", "/api/import"],
  ["Import", "POST", "/api/perform_import"],
  ["Import", "POST", "/api/cancel_import"],
  ["Streaming import", "POST", "/api/streaming_import/*"],
  ["File storage", "POST", "/api/storage/*"],
  ["File storage", "GET", "/api/storage/*"],
  ["Streaming export", "GET", "/api/document_deltas"],
  ["Streaming export", "GET", "/api/list_snapshot"],
  ["The dashboard's API", "GET", "/api/shapes2"],
  ["The dashboard's API", "POST", "/api/delete_tables"],
];

export const informationRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/instance_name",
    isForAdmins: false,
    answer: async () => "trueup",
  },
  {
    method: "GET",
    path: "/api/v1/get_canonical_urls",
    isForAdmins: true,
    answer: async ({ serverUrl }) => ({ convexCloudUrl: serverUrl, convexSiteUrl: siteUrlOf(serverUrl) }),
  },
  ...features.map(([feature, method, path]): Route => ({
    method,
    path,
    isForAdmins: false,
    answer: async () => {
      throw new HttpError(
        501,
        "FEATURE_NOT_SUPPORTED",
        `${feature} is not something that this server has yet.`,
      );
    },
  })),
];
