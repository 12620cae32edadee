/** Starts the server of an app, with a port for the app's HTTP actions: the one that is named, else the next one, else any. */
import type { Backend } from "../../backend/index.js";
import { isTrueupError } from "../../errors/index.js";
import { startServer, type RunningServer, type ServerOptions } from "../../server/index.js";
import { reportReady, supervised } from "./supervision.js";
import { portBeside } from "../arguments/address.js";

/**
 * A server that is started again listens where the one before it did.
 * @throws PORT_IN_USE for a port that was named
 */
export async function startAppServer(backend: Backend, options: ServerOptions): Promise<RunningServer> {
  const server = await start(backend, { ...options, ...supervised()?.ports });
  reportReady({ port: server.port, sitePort: server.sitePort ?? 0 });
  return server;
}

async function start(backend: Backend, options: ServerOptions): Promise<RunningServer> {
  if (options.sitePort !== undefined) return await startServer(backend, options);
  const sitePort = portBeside(options.port);
  try {
    return await startServer(backend, { ...options, sitePort });
  } catch (error) {
    const isTaken =
      isTrueupError(error) && error.code === "PORT_IN_USE" && error.details["port"] === sitePort;
    if (!isTaken || sitePort === 0) throw error;
    return await startServer(backend, { ...options, sitePort: 0 });
  }
}
