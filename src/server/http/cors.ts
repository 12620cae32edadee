/**
 * Makes cross-origin headers. A browser app is served from elsewhere than its backend and sends its token in a header, so every
 * origin that is answered at all (`visitors.ts`) may call. What a call may do depends on its key or token alone.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

const maxAgeSeconds = 86_400;

/** The headers of every reply. */
export function corsHeaders(request: IncomingHttpHeaders): OutgoingHttpHeaders {
  const { origin } = request;
  return origin === undefined
    ? {}
    : {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        Vary: "Origin",
      };
}

/** The headers of the reply to a preflight request, which allow whatever it asks for. */
export function preflightHeaders(request: IncomingHttpHeaders): OutgoingHttpHeaders {
  return {
    ...corsHeaders(request),
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers":
      request["access-control-request-headers"] ?? "authorization, content-type",
    "Access-Control-Max-Age": String(maxAgeSeconds),
  };
}
