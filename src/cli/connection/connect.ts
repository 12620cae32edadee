/**
 * Reaches the functions of an app. The lock on the data file decides where they run: in this process when the file is free,
 * else in the server that has it open.
 */
import { openBackend, sqlite } from "../../backend/index.js";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { keyVariable, readAdminKey } from "../app/admin-key.js";
import { hasData, readServerRecord, type DataFolder } from "../app/app-folder.js";
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
  app: DataFolder,
  terminal: Terminal,
  options: Pick<ConnectOptions, "runScheduled"> & Partial<ConnectOptions>,
  run: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const log = (line: string): void => terminal.stderr.line(line);
  const connection = await connect(app, { env: terminal.env, log, ...options });
  try {
    return await run(connection);
  } finally {
    await connection.close();
  }
}

/**
 * Opens the app's data file, or reaches the server that has it open.
 *
 * @throws DATA_FILE_MISSING when there is no data yet; STORAGE_LOCKED when a process that is no server has the file.
 */
export async function connect(app: DataFolder, options: ConnectOptions): Promise<Connection> {
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
    return new ServerConnection(
      server.url,
      server.key ?? options.env[keyVariable] ?? readAdminKey(app) ?? "",
      options.log,
    );
  }
}
