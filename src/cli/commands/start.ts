/**
 * `trueup start` serves an app in production: what was pushed to its data, on the addresses that its proxy knows, until it is
 * told to end. It needs no folder of an app, only one for the data.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Option } from "commander";
import { openBackend, sqlite, type Backend, type LogSink } from "../../backend/index.js";
import { TrueupError } from "../../errors/index.js";
import type { RunningServer } from "../../server/index.js";
import { newAdminKey } from "../app/admin-key.js";
import { dataFolderOf, prepareDataFolder, recordServer } from "../app/app-folder.js";
import { startAppServer } from "../app/start-app-server.js";
import { endInTime } from "../app/end-in-time.js";
import { parsePort, parseUrl } from "../arguments/address.js";
import type { CliCommand } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import type { Terminal } from "../output/terminal.js";

interface StartOptions {
  readonly data?: string;
  readonly host: string;
  readonly port: number;
  readonly sitePort?: number;
  readonly publicUrl?: string;
  readonly publicSiteUrl?: string;
  readonly adminKeyFile?: string;
  readonly log: "text" | "json";
}

export const start: CliCommand = {
  define(program, terminal, run) {
    program
      .command("start")
      .description("Serve what was pushed, in production.")
      .option("--data <folder>", "the folder of the data; .trueup when left out")
      .option("--host <address>", "the address to listen on; 0.0.0.0 for all", "127.0.0.1")
      .option("--port <number>", "the port; 0 picks a free one", parsePort, 3210)
      .option(
        "--site-port <number>",
        "the port of the app's HTTP actions; the next one when left out",
        parsePort,
      )
      .option("--public-url <url>", "the URL that clients reach the port by, through a proxy", parseUrl)
      .option("--public-site-url <url>", "the same of the site port, CONVEX_SITE_URL", parseUrl)
      .option("--admin-key-file <file>", "a file with a key of admins, beside those of `trueup keys`")
      .addOption(
        new Option("--log <format>", "how lines are logged to stderr")
          .choices(["text", "json"])
          .default("text"),
      )
      .addHelpText("after", examples)
      .action((options: StartOptions) => run(() => endInTime(serve(options, terminal), terminal)));
  },
};

const examples = `
The key may also be in the environment, as TRUEUP_ADMIN_KEY. Without any key, the first start makes one and shows it once.

Examples:
  $ trueup start --data /var/lib/app --public-url https://api.example.com --public-site-url https://app.example.com
  $ TRUEUP_ADMIN_KEY=… trueup start --host 0.0.0.0 --log json
`;

async function serve(options: StartOptions, terminal: Terminal): Promise<ExitCode> {
  const given = givenKeys(options, terminal);
  const folder = dataFolderOf(terminal.folder, options.data);
  prepareDataFolder(folder);
  const log = logTo(terminal, options.log);
  const { dataFile, codeFolder } = folder;
  const backend = await openBackend({ storage: sqlite(dataFile), codeFolder, log, logsFailures: true });
  try {
    // Whoever can read the folder is this server's admin: `trueup` commands on this machine need no other key.
    const localKey = newAdminKey("local");
    const server = await listen(backend, options, [localKey, ...given], log);
    const forget = recordServer(folder, { url: server.localUrl, key: localKey });
    try {
      const say = (message: string): void => log(message, logEntryOf(message));
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
    log: (line) => log(line, logEntryOf(line, "ERROR")),
    ...(sitePort !== undefined && { sitePort }),
    ...(publicUrl !== undefined && { publicUrl }),
    ...(publicSiteUrl !== undefined && { publicSiteUrl }),
  });
}

/** The keys that the operator gives. @throws INVALID_USAGE for a file that cannot be read, or a key that is too short */
function givenKeys({ adminKeyFile }: StartOptions, { env, folder }: Terminal): string[] {
  const keys = [
    env["TRUEUP_ADMIN_KEY"] ?? "",
    adminKeyFile === undefined ? "" : readKey(resolve(folder, adminKeyFile)),
  ];
  const given = keys.map((key) => key.trim()).filter((key) => key !== "");
  if (given.some((key) => key.length < shortestKey)) {
    throw new TrueupError("INVALID_USAGE", `An admin key has at least ${shortestKey} characters.`);
  }
  return given;
}

const shortestKey = 16;

function readKey(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new TrueupError(
      "INVALID_USAGE",
      `The file of the admin key cannot be read: ${String(error)}`,
      {},
      error,
    );
  }
}

/** Makes a key where there is none, and shows it on stderr alone, which is not where results go. */
async function showFirstKey(backend: Backend, { stderr }: Terminal): Promise<void> {
  if ((await backend.keys.list()).length > 0) return;
  const key = await backend.keys.add("first");
  stderr.line(`${stderr.paint.bold("admin key")}, shown once: ${key}`);
}

function logTo({ stderr }: Terminal, format: StartOptions["log"]): LogSink {
  if (format === "text") return (line) => stderr.line(line);
  return (_line, { level, functionPath, componentPath, requestId, message }) => {
    const where = functionPath === "" ? {} : { function: functionPath, component: componentPath, requestId };
    stderr.line(JSON.stringify({ time: new Date().toISOString(), level, ...where, message }));
  };
}

function logEntryOf(message: string, level: "INFO" | "ERROR" = "INFO"): Parameters<LogSink>[1] {
  return { level, message, args: [message], functionPath: "", componentPath: "", requestId: "" };
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
