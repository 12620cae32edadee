/** Serves what was pushed in this process, in production. */
import { openBackend, sqlite, type Backend, type LogSink } from "../../backend/index.js";
import type { RunningServer } from "../../server/index.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { logTo, plainEntry, type LogFormat } from "../output/log-lines.js";
import type { Terminal } from "../output/terminal.js";
import type { DataOptions } from "../arguments/data-folder.js";
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
  const folder = dataFolderOf(terminal.folder, options.data);
  prepareDataFolder(folder);
  const log = logTo(terminal, options.log);
  const { dataFile, codeFolder } = folder;
  const stopWatching = watchLoop(options.maxStall * 1000, options.log === "json");
  await orphanHasEnded(folder);
  const stalledCalls = supervised()?.stalledCalls ?? [];
  const storage = sqlite(dataFile);
  const backend = await openBackend({ storage, codeFolder, log, logsFailures: true, stalledCalls });
  try {
    // Whoever can read the folder is this server's admin: `trueup` commands on this machine need no other key.
    const localKey = newAdminKey("local");
    const server = await listen(backend, options, [localKey, ...given], log);
    const forget = recordServer(folder, { url: server.localUrl, key: localKey });
    try {
      const say = (message: string): void => log(message, plainEntry(message));
      say(`trueup serves ${dataFile} on ${server.url}, and its HTTP actions on ${server.siteUrl}`);
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
  const key = await backend.keys.add("first");
  stderr.line(`${stderr.paint.bold("admin key")}, shown once: ${key}`);
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
