/**
 * Reaches the functions of an app. The lock on the data file decides where: whoever has the file runs the functions, so this
 * process does when the file is free, and asks the server when it is not.
 */
import { openBackend, sqlite } from "../../backend/index.js";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { keyVariable, readAdminKey } from "../app/admin-key.js";
import { hasData, type AppFolder } from "../app/find-app.js";
import { readServerRecord } from "../app/running-server.js";
import type { Connection } from "./connection.js";
import { EmbeddedConnection } from "./embedded-connection.js";
import { ServerConnection } from "./server-connection.js";

export interface ConnectOptions {
  /** In this process, run scheduled functions while the connection is open. */
  readonly runScheduled: boolean;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Takes what functions log: of every function in this process, of the called ones in a server. */
  readonly log: (line: string) => void;
}

/** @throws DATA_FILE_MISSING; STORAGE_LOCKED when another process that is no server has the file. */
export async function connect(app: AppFolder, options: ConnectOptions): Promise<Connection> {
  if (!hasData(app)) throw new TrueupError("DATA_FILE_MISSING", undefined, { file: app.dataFile });
  try {
    const backend = await openBackend({
      storage: sqlite(app.dataFile),
      codeFolder: app.codeFolder,
      runScheduled: options.runScheduled,
      log: options.log,
    });
    return new EmbeddedConnection(backend, options.log);
  } catch (error) {
    if (!isTrueupError(error) || error.code !== "STORAGE_LOCKED") throw error;
    const server = readServerRecord(app);
    if (server === undefined) throw error;
    return new ServerConnection(server.url, options.env[keyVariable] ?? readAdminKey(app) ?? "", options.log);
  }
}
