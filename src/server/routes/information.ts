/**
 * What a server tells about itself: its name, its addresses, how it is, and what the official backend has but this one has not
 * yet. Such features are known by name, so that a caller is told at once what is missing; a 404 would make the official CLI
 * try again for half a minute.
 */
import { HttpError, httpErrorOf } from "../http/http-error.js";
import { TextReply, type Route, type RouteRequest } from "../http/route.js";
import { version } from "../version.js";

/** What the official backend has and this one has not yet. */
const features: readonly (readonly [feature: string, method: Route["method"], path: string])[] = [
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

/** Whether the storage answers; whoever balances load sends no requests to a server that is closing or has lost its storage. */
async function assertReady({ backend }: RouteRequest): Promise<void> {
  try {
    await backend.database.query(() => Promise.resolve(null), { limits: null });
  } catch (error) {
    const { code, message } = httpErrorOf(error);
    throw new HttpError(503, code, message);
  }
}

function frontPage({ serverUrl, siteUrl }: RouteRequest): TextReply {
  const lines = [
    `<title>Trueup</title><h1>Trueup ${version}</h1>`,
    "<p>A Convex backend answers here.</p>",
    `<p>Clients connect to <code>${serverUrl}</code>; HTTP actions are below <code>${siteUrl}</code>.</p>`,
  ];
  return new TextReply(
    `<!doctype html>\n<meta charset="utf-8">\n${lines.join("\n")}\n`,
    "text/html; charset=utf-8",
  );
}

export const informationRoutes: readonly Route[] = [
  { method: "GET", path: "/", isForAdmins: false, answer: async (request) => frontPage(request) },
  { method: "GET", path: "/version", isForAdmins: false, answer: async () => version },
  { method: "GET", path: "/healthz", isForAdmins: false, answer: async () => ({ status: "ok" }) },
  {
    method: "GET",
    path: "/readyz",
    isForAdmins: false,
    answer: async (request) => {
      await assertReady(request);
      return { status: "ready" };
    },
  },
  {
    method: "GET",
    path: "/metrics",
    isForAdmins: true,
    answer: ({ metrics }) => metrics.read(),
  },
  {
    method: "GET",
    path: "/instance_name",
    isForAdmins: false,
    answer: async () => "trueup",
  },
  {
    // Measures the way to the server, for `npx convex network-test`.
    method: "POST",
    path: "/echo",
    isForAdmins: false,
    takesBytes: true,
    maxBodyBytes: 64 * 1024 * 1024,
    answer: async ({ body }) => new TextReply(body as Buffer, "application/octet-stream"),
  },
  {
    method: "GET",
    path: "/api/v1/get_canonical_urls",
    isForAdmins: true,
    answer: async ({ serverUrl, siteUrl }) => ({ convexCloudUrl: serverUrl, convexSiteUrl: siteUrl }),
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
