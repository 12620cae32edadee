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
}

export const defaultServerLimits: ServerLimits = {
  sockets: 10_000,
  queriesPerSocket: 2_000,
  callsPerSocket: 500,
  requests: 2_000,
};
