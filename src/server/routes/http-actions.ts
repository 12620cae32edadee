/**
 * Answers requests by the HTTP actions of the app's `http.ts`: those at the app's own port, which `CONVEX_SITE_URL` names, and
 * those below `/http/` of the server. The app gets the request as it came, and the caller gets the response as the app made it,
 * with all its headers: cross-origin headers and authorization are the app's own business here.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { UserIdentity } from "convex/server";
import type { Backend } from "../../backend/index.js";
import type { Authenticator } from "../auth/authenticator.js";
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
 * @throws HttpError 404 when the app has no such route, 413, 429, 500 for what the action throws
 */
export async function answerHttpAction(
  { backend, authenticator }: { readonly backend: Backend; readonly authenticator: Authenticator },
  url: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  share: Share,
): Promise<void> {
  const request = await toRequest(url, incoming, share);
  let response: Response | null;
  try {
    response = await backend.fetch(request, { identity: await identityOf(request, authenticator) });
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new HttpError(500, "HttpActionFailed", `Uncaught ${reason}`);
  }
  if (response === null) {
    const path = new URL(request.url).pathname;
    throw new HttpError(404, "NotFound", `The app has no route for ${request.method} ${path}.`);
  }
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body === null || request.method === "HEAD") outgoing.end();
  else await pipeline(Readable.fromWeb(response.body), outgoing);
}

/** Whose token the request brings; null where it brings none of a provider's: what else the header says is the app's business. */
async function identityOf(request: Request, authenticator: Authenticator): Promise<UserIdentity | null> {
  try {
    return (await authenticator.caller(request.headers.get("authorization") ?? undefined)).identity;
  } catch (error) {
    if (error instanceof HttpError) return null;
    throw error;
  }
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
