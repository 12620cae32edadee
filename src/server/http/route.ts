/**
 * What a route is: a method, a path, who may call it, and a function from a request to a reply; and how a request finds its
 * route.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Backend } from "../../backend/index.js";
import type { Caller } from "../auth/authenticator.js";
import type { CallLog } from "../call-log.js";
import { HttpError } from "./http-error.js";

/** A request whose caller is known. */
export interface RouteRequest {
  readonly backend: Backend;
  /** The URL of this server. */
  readonly serverUrl: string;
  /** The URL below which the app's HTTP actions are. */
  readonly siteUrl: string;
  readonly caller: Caller;
  /** The calls that have ended lately. */
  readonly calls: CallLog;
  readonly metrics: { read(): Promise<TextReply> };
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
  readonly ip: string | null;
  /** The parsed body; undefined when there is none. */
  readonly body: unknown;
  /** Makes a signal that is aborted when the caller has gone away or the server closes. */
  readonly untilGone: () => AbortSignal;
}

export interface Route {
  readonly method: "GET" | "POST";
  /** The exact path; one that ends with a slash and a star stands for everything below it. */
  readonly path: string;
  /** Whether only admins may call it. The CLI sends their key in the header, as `adminKey` in the body, or in both. */
  readonly isForAdmins: boolean;
  /** Whether the body is handed over as it came, a Buffer, and not as the JSON that it holds (default false). */
  readonly takesBytes?: boolean;
  /** How long the body may be, in bytes. */
  readonly maxBodyBytes?: number;
  /** Returns the reply, which goes out as JSON unless it is a text. */
  readonly answer: (request: RouteRequest) => Promise<unknown>;
}

/** A reply that is no JSON. */
export class TextReply {
  readonly text: string | Buffer;
  readonly contentType: string;

  constructor(text: string | Buffer, contentType: string) {
    this.text = text;
    this.contentType = contentType;
  }
}

export class Router {
  readonly #exact = new Map<string, Map<string, Route>>();
  readonly #prefixes: readonly Route[];

  constructor(routes: readonly Route[]) {
    this.#prefixes = routes.filter(({ path }) => path.endsWith("/*"));
    for (const route of routes) {
      if (this.#prefixes.includes(route)) continue;
      const methods = this.#exact.get(route.path) ?? new Map<string, Route>();
      methods.set(route.method, route);
      this.#exact.set(route.path, methods);
    }
  }

  /** @throws HttpError 404 for an unknown path, 405 for a known one with another method */
  find(method: string, path: string): Route {
    const methods = this.#exact.get(path);
    const found = methods?.get(method) ?? this.#below(method, path);
    if (found !== undefined) return found;
    if (methods !== undefined) {
      const allowed = [...methods.keys()].join(", ");
      throw new HttpError(405, "MethodNotAllowed", `${path} takes ${allowed}, not ${method}.`);
    }
    throw new HttpError(404, "NotFound", `There is nothing at ${path}.`);
  }

  #below(method: string, path: string): Route | undefined {
    return this.#prefixes.find(
      (route) => route.method === method && path.startsWith(route.path.slice(0, -1)),
    );
  }
}
