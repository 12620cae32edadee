/**
 * Answers requests by the HTTP actions of the app's `http.ts`: those at the app's own port, which `CONVEX_SITE_URL` names, and
 * those below `/http/` of the server. The app gets the request as it came, and the caller gets the response as the app made it,
 * with all its headers: cross-origin headers and authorization are the app's own business here.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Backend, FunctionFailure } from "../../backend/index.js";
import type { Authenticator, Caller } from "../auth/authenticator.js";
import { functionReply } from "../calls/function-reply.js";
import { isOutage } from "../calls/outage.js";
import { HttpError } from "../http/http-error.js";
import { receiveBody } from "../http/read-body.js";
import type { Share } from "../load.js";

const prefix = "/http";
const maxBodyBytes = 20 * 1024 * 1024;

/** The URL below which the app's routes are where they have no port of their own. */
export function siteUrlWithin(serverUrl: string): string {
  return serverUrl + prefix;
}

/** What the app is asked for by a request of the server for this target, a path and a query; null where the app is not meant. */
export function siteTargetOf(target: string): string | null {
  if (!target.startsWith(prefix) || !/^[/?]?$/.test(target.charAt(prefix.length))) return null;
  return target.slice(prefix.length) || "/";
}

/**
 * @param url What is asked for, as the app sees it.
 * @param share Where the bytes of its body are counted.
 * @throws HttpError 404 when the app has no such route, 413, 429
 */
export async function answerHttpAction(
  { backend, authenticator }: { readonly backend: Backend; readonly authenticator: Authenticator },
  url: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  share: Share,
): Promise<void> {
  const request = await toRequest(url, incoming, share);
  const caller = await callerOf(request, authenticator);
  const outcome = await backend.fetchOutcome(request, { identity: caller.identity });
  if (outcome.status === "error") {
    if (isOutage(outcome.error)) throw outcome.error;
    return sendFailure(outcome, caller, outgoing);
  }
  const { response } = outcome;
  if (response === null) {
    const path = new URL(request.url).pathname;
    throw new HttpError(404, "NotFound", `The app has no route for ${request.method} ${path}.`);
  }
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body === null || request.method === "HEAD") outgoing.end();
  else await pipeline(Readable.fromWeb(response.body), outgoing);
}

/** Whose token the request brings; nobody's where it brings none of a provider: what else the header says is the app's. */
async function callerOf(request: Request, authenticator: Authenticator): Promise<Caller> {
  try {
    return await authenticator.caller(request.headers.get("authorization") ?? undefined);
  } catch (error) {
    if (error instanceof HttpError) return authenticator.stranger;
    throw error;
  }
}

/**
 * Answers for an action that threw: `code` has the request's id, by which the log has all of it, `trace` what was thrown, for
 * who may see it, and `data` that of a ConvexError, for everybody.
 */
function sendFailure(failure: FunctionFailure, caller: Caller, outgoing: ServerResponse): void {
  const reply = functionReply(failure, "convex_encoded_json", caller);
  if (reply.status === "success") return;
  const [code, ...trace] = reply.errorMessage.split("\n");
  const text = JSON.stringify({
    code,
    ...(trace.length === 0 ? {} : { trace: trace.join("\n") }),
    ...(failure.errorData === undefined ? {} : { data: reply.errorData }),
  });
  outgoing.writeHead(500, { "Content-Type": "application/json" }).end(text);
}

async function toRequest(url: string, incoming: IncomingMessage, share: Share): Promise<Request> {
  const method = incoming.method ?? "GET";
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  const body = hasBody ? await receiveBody(incoming, { maxBytes: maxBodyBytes, share }) : null;
  return new Request(url, { method, headers, body });
}
