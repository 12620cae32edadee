/**
 * Whom a server on a developer's machine answers. Every page that the developer visits can send requests there, so only pages of
 * this machine, and of origins that are named, may call; and a name that leads here from elsewhere is none of this server's.
 * A server that faces others answers everyone: what they may do depends on their keys and tokens.
 */
import type { IncomingHttpHeaders } from "node:http";
import { HttpError } from "./http-error.js";

const loopbackHosts: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

export class Visitors {
  readonly #origins: ReadonlySet<string> | null;

  /** @param origins Those that may call beside pages of this machine; null for everyone. */
  constructor(origins: readonly string[] | null) {
    this.#origins = origins === null ? null : new Set(origins.map((origin) => new URL(origin).origin));
  }

  /** @throws HttpError 403 OriginNotAllowed, HostNotAllowed */
  admit({ host, origin }: Pick<IncomingHttpHeaders, "host" | "origin">): void {
    if (this.#origins === null) return;
    if (host !== undefined && !isLoopback(`http://${host}`)) {
      throw new HttpError(403, "HostNotAllowed", "This server answers by the names of this machine only.");
    }
    if (origin === undefined || isLoopback(origin) || this.#origins.has(origin)) return;
    throw new HttpError(
      403,
      "OriginNotAllowed",
      `Pages of ${origin} may not call this server: start it with \`--origin ${origin}\`.`,
    );
  }
}

/** Whether a host is this machine, as a server listens on it. */
export function isLoopbackHost(host: string): boolean {
  return isLoopback(`http://${host.includes(":") ? `[${host}]` : host}`);
}

function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return loopbackHosts.has(hostname) || hostname.endsWith(".localhost");
}
