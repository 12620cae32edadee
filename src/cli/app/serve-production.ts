/** Serves what was pushed in this process, in production. */
import { openBackend, sqlite, type Backend, type LogSink, type OpenStorage } from "../../backend/index.js";
import { isTrueupError } from "../../errors/index.js";
import type { RunningServer } from "../../server/index.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { logTo, plainEntry, type LogFormat } from "../output/log-lines.js";
import type { Terminal } from "../output/terminal.js";
import { sharedData, type DataOptions } from "../arguments/chosen-data.js";
import { givenKeys, newAdminKey } from "./admin-key.js";
import { dataFolderOf, orphanHasEnded, prepareDataFolder, recordServer } from "./app-folder.js";
import { startAppServer } from "./start-app-server.js";
import { supervised } from "./supervision.js";
import { watchLoop } from "./watch-loop.js";

export interface StartOptions extends DataOptions {
  readonly host: string;
  readonly port: number;
  readonly sitePort?: number;
  readonly publicUrl?: string;
  readonly publicSiteUrl?: string;
  readonly adminKeyFile?: string;
  readonly log: LogFormat;
  /** Seconds. */
  readonly maxStall: number;
}

/** Serves until it is told to end. @throws PORT_IN_USE, and what `openBackend` throws */
export async function serveProduction(options: StartOptions, terminal: Terminal): Promise<ExitCode> {
  const given = givenKeys(options, terminal);
  const { name, storage, codeFolder, localKeys, record } = await dataToServe(options, terminal);
  const log = logTo(terminal, options.log);
  const stopWatching = watchLoop(options.maxStall * 1000, options.log === "json");
  const stalledCalls = supervised()?.stalledCalls ?? [];
  const backend = await openBackend({ storage, codeFolder, log, logsFailures: true, stalledCalls });
  try {
    const server = await listen(backend, options, [...localKeys, ...given], log);
    const forget = record(server);
    try {
      const say = (message: string): void => log(message, plainEntry(message));
      say(`trueup serves ${name} on ${server.url}, and its HTTP actions on ${server.siteUrl}`);
      if (given.length === 0) await showFirstKey(backend, terminal);
      await ended(terminal.interrupted);
      say("trueup ends");
    } finally {
      forget();
      await server.close();
    }
    return exitCodes.success;
  } finally {
    await backend.close();
    await stopWatching();
  }
}

interface DataToServe {
  /** As it is told. */
  readonly name: string;
  readonly storage: OpenStorage;
  readonly codeFolder: string;
  /** Keys for `trueup` commands on this machine. */
  readonly localKeys: readonly string[];
  /** Notes for those commands where the server is; returns how to take that back. */
  readonly record: (server: RunningServer) => () => void;
}

/** What several servers share is opened by commands, too, so none of them has to be found. */
async function dataToServe(options: StartOptions, terminal: Terminal): Promise<DataToServe> {
  const shared = sharedData(options, terminal);
  if (shared !== null) {
    const { storage, codeFolder } = shared;
    return { name: storage.name, storage: storage.open, codeFolder, localKeys: [], record: () => () => {} };
  }
  const folder = dataFolderOf(terminal.folder, options.data);
  prepareDataFolder(folder);
  await orphanHasEnded(folder);
  const { dataFile, codeFolder } = folder;
  // Whoever can read the folder is this server's admin: `trueup` commands on this machine need no other key.
  const key = newAdminKey("local");
  const record = ({ localUrl: url }: RunningServer): (() => void) => recordServer(folder, { url, key });
  return { name: dataFile, storage: sqlite(dataFile), codeFolder, localKeys: [key], record };
}

async function listen(
  backend: Backend,
  { host, port, sitePort, publicUrl, publicSiteUrl }: StartOptions,
  adminKeys: readonly string[],
  log: LogSink,
): Promise<RunningServer> {
  return await startAppServer(backend, {
    host,
    port,
    adminKeys,
    isProduction: true,
    log: (line) => log(line, plainEntry(line, "ERROR")),
    ...(sitePort !== undefined && { sitePort }),
    ...(publicUrl !== undefined && { publicUrl }),
    ...(publicSiteUrl !== undefined && { publicSiteUrl }),
  });
}

/** Makes a key where there is none, and shows it on stderr alone, which is not where results go. */
async function showFirstKey(backend: Backend, { stderr }: Terminal): Promise<void> {
  if ((await backend.keys.list()).length > 0) return;
  const key = await backend.keys.add("first").catch((error: unknown) => {
    // Another server of the same data has made one at the same time.
    if (isTrueupError(error) && error.code === "INVALID_ADMIN_KEY") return null;
    throw error;
  });
  if (key === null) return;
  stderr.line(`${stderr.paint.bold("admin key")}, shown once: ${key}`);
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
