/** What a server for a backend is told, and what it answers: the port of this room to the server, which is a room above it. */

/** How much a server takes on at once. What is more is refused so that clients come back, or not read until there is room. */
export interface ServerLimits {
  /** WebSocket connections; one more gets 503. */
  readonly sockets: number;
  /** Queries that one connection watches; one that watches more is ended with an error. */
  readonly queriesPerSocket: number;
  /** Calls of one connection that are under way or wait; it is not read from while there are as many. */
  readonly callsPerSocket: number;
  /** HTTP requests under way, those of the app's HTTP actions too; one more gets 429. */
  readonly requests: number;
  /** Connections of a port, idle ones too; one more is dropped. */
  readonly connections: number;
  /** Calls of all connections that are under way or wait; a connection that adds to them is ended, unless it has only a few. */
  readonly calls: number;
  /**
   * Bytes in hand for all callers: what they have sent and is not answered, and what they were sent and have not taken. Who
   * adds to them is refused or ended, unless it has only a few.
   */
  readonly bytes: number;
}

/** Where a server listens, whom it serves, and how. */
export interface ServerOptions {
  /** The port to listen on; 0 takes a free one. */
  readonly port: number;
  /** The port of the app's HTTP actions; 0 takes a free one. They are below `/http/` of the server alone when it is left out. */
  readonly sitePort?: number;
  /** The address to listen on; 127.0.0.1, so only this machine, when it is left out. */
  readonly host?: string;
  /** Keys of admins, who may do everything, beside those of `backend.keys`. */
  readonly adminKeys?: readonly string[];
  /** The address that clients reach the server by, where a proxy is before it; its own when it is left out. */
  readonly publicUrl?: string;
  /** The same of the app's HTTP actions. */
  readonly publicSiteUrl?: string;
  /**
   * On loopback and not in production: the origins of pages that may call, beside those of this machine. Elsewhere pages of every
   * origin may.
   */
  readonly origins?: readonly string[];
  /** How much it takes on at once; see `ServerLimits`. */
  readonly limits?: Partial<ServerLimits>;
  /** Tells callers other than admins nothing of errors but an id, unless the app throws a ConvexError (default false). */
  readonly isProduction?: boolean;
  /** Takes failures of the server itself; standard error when it is left out. */
  readonly log?: (line: string) => void;
}

/** A server that listens. */
export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** The port of the app's HTTP actions; null where they have none of their own. */
  readonly sitePort: number | null;
  /** The URL below which the app's HTTP actions are, `CONVEX_SITE_URL`. */
  readonly siteUrl: string;
  /** The URL by which this machine reaches it, whatever it is called outside. */
  readonly localUrl: string;
  /** Takes no more requests, gives those under way four seconds to end, and closes. Idempotent. */
  close(): Promise<void>;
}
