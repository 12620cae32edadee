/**
 * What the official backend has and this one has not yet: known by name, so that a caller is told what is missing
 * at once. A 404 would make the official CLI try again for half a minute.
 */
import { HttpError } from "../http/http-error.js";
import type { Route } from "../http/route.js";

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

export const unsupportedRoutes: readonly Route[] = features.map(([feature, method, path]) => ({
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
}));
