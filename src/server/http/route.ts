/** What a route is: a method, a path, who may call it, and a function from a request to a reply. */
import type { IncomingHttpHeaders } from "node:http";
import type { Backend } from "../../backend/index.js";
import type { Caller } from "./caller.js";

/** A request that was let in. */
export interface RouteRequest {
  readonly backend: Backend;
  /** Where this server is reached. */
  readonly serverUrl: string;
  readonly caller: Caller;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
  readonly ip: string | null;
  /** The parsed body; undefined when there is none. */
  readonly body: unknown;
  /** Aborted when the caller has gone away or the server closes. */
  readonly signal: AbortSignal;
}

export interface Route {
  readonly method: "GET" | "POST";
  /** Exact, or everything below it when it ends with a slash and a star. */
  readonly path: string;
  /** Admins only: with the header, or with `adminKey` in the body, as the CLI sends both. */
  readonly isForAdmins: boolean;
  /** The longest body, in bytes. */
  readonly maxBodyBytes?: number;
  /** The reply, as JSON. */
  readonly answer: (request: RouteRequest) => Promise<unknown>;
}
