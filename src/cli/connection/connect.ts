/**
 * Reaches the functions of an app. The lock on the data file decides where they run: in this process when the file is free,
 * else in the server that has it open. What several processes share is opened by this one, too, which leaves scheduled work to
 * those that serve.
 */
import { openBackend, sqlite } from "../../backend/index.js";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { keyVariable, readAdminKey } from "../app/admin-key.js";
import { hasData, readServerRecord } from "../app/app-folder.js";
import { isShared, type AppData } from "../arguments/chosen-data.js";
import type { Terminal } from "../output/terminal.js";
import type { Connection } from "./connection.js";
import { EmbeddedConnection } from "./embedded-connection.js";
import { ServerConnection } from "./server-connection.js";

export interface ConnectOptions {
  /** Whether this process, if it has the file, runs scheduled functions while the connection is open. */
  readonly runScheduled: boolean;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Takes what functions log: every function when they run in this process, those that are called when a server runs them. */
  readonly log: (line: string) => void;
}

/** Runs something with a connection to the app in the terminal's folder, and closes the connection. @throws as `connect` */
export async function withConnection<Result>(
  data: AppData,
  terminal: Terminal,
  options: Pick<ConnectOptions, "runScheduled"> & Partial<ConnectOptions>,
  run: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const log = (line: string): void => terminal.stderr.line(line);
  const connection = await connect(data, { env: terminal.env, log, ...options });
  try {
    return await run(connection);
  } finally {
    await connection.close();
  }
}

/**
 * Opens the app's data, or reaches the server that has its file open.
 *
 * @throws DATA_FILE_MISSING when there is no data yet; STORAGE_LOCKED when a process that is no server has the file;
 *   STORAGE_UNAVAILABLE
 */
export async function connect(app: AppData, options: ConnectOptions): Promise<Connection> {
  const { codeFolder } = app;
  const { log } = options;
  if (isShared(app)) {
    const storage = app.storage.open;
    const backend = await openBackend({ storage, codeFolder, runScheduled: false, log });
    return new EmbeddedConnection(backend, { log, workers: "the servers" });
  }
  if (!hasData(app)) throw new TrueupError("DATA_FILE_MISSING", undefined, { file: app.dataFile });
  try {
    const { runScheduled } = options;
    const backend = await openBackend({ storage: sqlite(app.dataFile), codeFolder, runScheduled, log });
    return new EmbeddedConnection(backend, { log, workers: "the next `trueup dev` or `trueup run`" });
  } catch (error) {
    if (!isTrueupError(error) || error.code !== "STORAGE_LOCKED") throw error;
    const server = readServerRecord(app);
    if (server === undefined) throw error;
    return new ServerConnection(
      server.url,
      server.key ?? options.env[keyVariable] ?? readAdminKey(app) ?? "",
      options.log,
    );
  }
}
