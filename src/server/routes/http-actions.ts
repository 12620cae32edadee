/**
 * Answers requests below `/http/` of this server, its `CONVEX_SITE_URL`, by the HTTP actions of the app's `http.ts`. The app
 * gets the request as it came, and the caller gets the response as the app made it, with all its headers: cross-origin
 * headers and authorization are the app's own business here.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Backend } from "../../backend/index.js";
import { HttpError } from "../http/http-error.js";
import { receiveBody } from "../http/read-body.js";

const prefix = "/http";
const maxBodyBytes = 20 * 1024 * 1024;

/** The URL below which the app's own routes are. */
export function siteUrlOf(serverUrl: string): string {
  return serverUrl + prefix;
}

/** Whether the path is one of the app's. */
export function isHttpActionPath(path: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

/** @throws HttpError 404 when the app has no such route, 413, 500 for what the action throws */
export async function answerHttpAction(
  backend: Backend,
  siteUrl: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const request = await toRequest(siteUrl, incoming);
  let response: Response | null;
  try {
    response = await backend.fetch(request, {});
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

async function toRequest(siteUrl: string, incoming: IncomingMessage): Promise<Request> {
  const method = incoming.method ?? "GET";
  const path = (incoming.url ?? prefix).slice(prefix.length) || "/";
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  const body = hasBody ? await receiveBody(incoming, maxBodyBytes) : null;
  return new Request(new URL(siteUrl).origin + path, { method, headers, body });
}
