/** How much a server takes on at once where nobody says otherwise. */
import type { ServerLimits } from "../backend/index.js";

export const defaultServerLimits: ServerLimits = {
  sockets: 10_000,
  queriesPerSocket: 2_000,
  callsPerSocket: 500,
  requests: 2_000,
  connections: 20_000,
  calls: 20_000,
  bytes: 256 * 1024 * 1024,
};
