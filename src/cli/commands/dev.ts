/**
 * `trueup dev` serves the app's data on this machine, and runs the official CLI, which watches the app's code and pushes
 * it to the server. The data is opened first: the lock on a data file makes this the only server of the app.
 */
import { openBackend, sqlite, type AggregateProgress, type Aggregates } from "../../backend/index.js";
import { TrueupError } from "../../errors/index.js";
import { joined, paceText, stateText } from "../aggregates/aggregate-text.js";
import { assertNoOtherBackend, keyVariable, loadAdminKey, urlVariable } from "../app/admin-key.js";
import { writeEnvLocal } from "../app/env-file.js";
import { findApp, prepareDataFolder, recordServer, type AppFolder } from "../app/app-folder.js";
import { parsePort, parseUrl } from "../arguments/address.js";
import { sharedData, storageOption, type DataOptions } from "../arguments/chosen-data.js";
import { startAppServer } from "../app/start-app-server.js";
import { runOfficialCli } from "../app/official-cli.js";
import { endInTime } from "../app/end-in-time.js";
import { watchLoop } from "../app/watch-loop.js";
import { maxStallOption } from "../arguments/max-stall.js";
import type { CliCommand } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import type { Output, Terminal } from "../output/terminal.js";

interface DevOptions extends Pick<DataOptions, "storage"> {
  readonly port: number;
  readonly sitePort?: number;
  readonly origin: readonly string[];
  readonly once?: true;
  readonly push: boolean;
  readonly json?: true;
  /** Seconds. */
  readonly maxStall: number;
}

export const dev: CliCommand = {
  define(program, terminal, start) {
    program
      .command("dev")
      .description("Serve the app from .trueup/data.sqlite, and push its code whenever it changes.")
      .option("--port <number>", "the port on 127.0.0.1; 0 picks a free one", parsePort, 3210)
      .option(
        "--site-port <number>",
        "the port of the app's HTTP actions; the next one when left out",
        parsePort,
      )
      .option(
        "--origin <url>",
        "the origin of pages that may call, beside those of this machine; may be repeated",
        collectUrl,
        [],
      )
      .addOption(storageOption())
      .option("--once", "push the code once, and end with the exit code of the push")
      .option("--no-push", "serve what was pushed before, without the official CLI")
      .option("--json", "print one JSON line with the server's address as soon as it is ready")
      .addOption(maxStallOption())
      .addHelpText("after", examples)
      .action((options: DevOptions) => start(() => endInTime(serve(options, terminal), terminal)));
  },
};

const examples = `
Examples:
  $ trueup dev
  $ trueup dev --port 4000
  $ trueup dev --once && trueup run init:seed
`;

async function serve(options: DevOptions, terminal: Terminal): Promise<ExitCode> {
  const app = findApp(terminal.folder);
  assertNoOtherBackend(app, terminal.env);
  if (options.once && !options.push) {
    throw new TrueupError("INVALID_USAGE", "--once pushes and --no-push does not: leave one of them out.");
  }
  prepareDataFolder(app);
  const log = (line: string): void => terminal.stderr.line(line);
  const shared = sharedData(options, terminal);
  const { codeFolder } = app;
  const stopWatching = watchLoop(options.maxStall * 1000, false);
  const { name: data, open: storage } = shared?.storage ?? { name: app.dataFile, open: sqlite(app.dataFile) };
  const backend = await openBackend({ storage, codeFolder, runScheduled: true, log });
  try {
    const adminKey = loadAdminKey(app);
    const { port } = options;
    const server = await startAppServer(backend, {
      port,
      ...(options.sitePort !== undefined && { sitePort: options.sitePort }),
      adminKeys: [adminKey],
      origins: options.origin,
    });
    const forget = recordServer(app, { url: server.url });
    try {
      writeEnvLocal(app.root, { [urlVariable]: server.url, [keyVariable]: adminKey });
      announce(data, server.url, options, terminal);
      announceBuilds(backend.aggregates, terminal.stderr);
      return await pushUntilDone(app, { url: server.url, adminKey }, options, terminal);
    } finally {
      forget();
      await server.close();
    }
  } finally {
    await backend.close();
    await stopWatching();
  }
}

/** Runs the official CLI until it ends by itself, or until the user ends `trueup dev`. */
async function pushUntilDone(
  app: AppFolder,
  server: { readonly url: string; readonly adminKey: string },
  options: DevOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const interrupted = new Promise<void>((resolve) => {
    terminal.interrupted.addEventListener("abort", () => resolve());
  });
  if (terminal.interrupted.aborted) return exitCodes.success;
  if (!options.push) return await interrupted.then(() => exitCodes.success);
  const args = ["dev", ...(options.once ? ["--once"] : ["--tail-logs", "disable"])];
  const child = runOfficialCli(app, args, server);
  void interrupted.then(() => child.stop());
  const code = await child.ended;
  if (code === 0 || terminal.interrupted.aborted) return exitCodes.success;
  throw new TrueupError("OFFICIAL_CLI_FAILED", `\`convex ${args.join(" ")}\` ended with exit code ${code}.`, {
    code,
  });
}

function announce(data: string, url: string, options: DevOptions, terminal: Terminal): void {
  const { paint } = terminal.stderr;
  terminal.stderr.line(`${paint.green("trueup")} serves ${data} on ${paint.bold(url)}`);
  if (options.json) terminal.stdout.line(JSON.stringify({ status: "ready", url, dataFile: data }));
}

const buildIntervalMs = 2_000;

/**
 * Tells of aggregates that are being built: a line when a build begins, every two seconds, and when it ends. An aggregate that
 * is ready already, or becomes ready without a build, is not worth a line. Returns a function that stops it.
 */
export function announceBuilds(
  aggregates: Pick<Aggregates, "onProgress">,
  output: Pick<Output, "line">,
): () => void {
  const told = new Map<string, { readonly state: string; readonly atMs: number }>();
  return aggregates.onProgress((progress: AggregateProgress) => {
    const { name, state } = progress;
    const last = told.get(name);
    const nowMs = performance.now();
    if (last === undefined && state === "ready") return;
    if (last?.state === state && nowMs - last.atMs < buildIntervalMs) return;
    if (state === "ready") told.delete(name);
    else told.set(name, { state, atMs: nowMs });
    output.line(`aggregate ${joined(name, stateText(progress), paceText(progress))}`);
  });
}

/** @throws InvalidArgumentError */
function collectUrl(text: string, before: readonly string[]): readonly string[] {
  return [...before, parseUrl(text)];
}
