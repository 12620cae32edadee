/**
 * What a server tells about itself: its name, its addresses, how it is, and what the official backend has but this one has not
 * yet. Such features are known by name, so that a caller is told at once what is missing; a 404 would make the official CLI
 * try again for half a minute.
 */
import { TrueupError } from "../../errors/index.js";
import { catchUp } from "../../storage/storage.js";
import { currentClock } from "../../work/index.js";
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

/** What a server shows may be so old, and a storage may take so long to answer. */
const freshMs = 5_000;

/**
 * Whether the server is fit to be sent requests: it is not closing, its storage answers within five seconds, by when it knows
 * what was acknowledged anywhere, and it could load the program that is in place. @throws HttpError 503
 */
async function answerReadiness({ backend }: RouteRequest): Promise<unknown> {
  const { database } = backend;
  const asking = Promise.resolve(catchUp(database.storage)).then(() =>
    database.query(() => Promise.resolve(null), { limits: null }),
  );
  try {
    await inTime(asking);
    const { programFailure } = backend.deploy;
    if (programFailure !== null) throw programFailure;
  } catch (error) {
    const { code, message } = httpErrorOf(error);
    throw new HttpError(503, code, message);
  }
  return { status: "ready" };
}

async function inTime(asking: Promise<unknown>): Promise<void> {
  let cancel = (): void => {};
  const late = new Promise<never>((_resolve, reject) => {
    const tooLate = new TrueupError("STORAGE_UNAVAILABLE", "The storage has not answered for 5 seconds.");
    cancel = currentClock.after(freshMs, () => reject(tooLate));
  });
  try {
    await Promise.race([asking, late]);
  } finally {
    cancel();
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
  // Load balancers know them by either name.
  ...["/health", "/readyz"].map((path): Route => ({
    method: "GET",
    path,
    isForAdmins: false,
    answer: answerReadiness,
  })),
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
