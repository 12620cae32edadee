/**
 * `trueup dev`: a local server on the app's data file, and the official CLI that watches and pushes the app's
 * code to it. The data file is opened first: its lock is what makes this the app's only server.
 */
import { InvalidArgumentError } from "commander";
import { openBackend, sqlite } from "../../backend/index.js";
import { TrueupError } from "../../errors/index.js";
import { startServer } from "../../server/index.js";
import { announceBuilds } from "../aggregates/announce-builds.js";
import { assertNoOtherBackend, keyVariable, loadAdminKey, urlVariable } from "../app/admin-key.js";
import { writeEnvLocal } from "../app/env-file.js";
import { findApp, prepareDataFolder, type AppFolder } from "../app/find-app.js";
import { runOfficialCli } from "../app/official-cli.js";
import { recordServer } from "../app/running-server.js";
import type { CliCommand } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import type { Terminal } from "../output/terminal.js";

interface DevOptions {
  readonly port: number;
  readonly once?: true;
  readonly push: boolean;
  readonly json?: true;
}

export const dev: CliCommand = {
  define(program, terminal, start) {
    program
      .command("dev")
      .description("Serve the app from .trueup/data.sqlite, and push its code whenever it changes.")
      .option("--port <number>", "the port on 127.0.0.1; 0 takes a free one", parsePort, 3210)
      .option("--once", "push the code once and stop, with the push's exit code")
      .option("--no-push", "only serve what was pushed before; do not start the official CLI")
      .option("--json", "print one JSON line with the server's address when it is ready")
      .addHelpText("after", examples)
      .action((options: DevOptions) => start(() => serve(options, terminal)));
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
  const { dataFile, codeFolder } = app;
  const backend = await openBackend({ storage: sqlite(dataFile), codeFolder, runScheduled: true, log });
  try {
    const adminKey = loadAdminKey(app);
    const server = await startServer(backend, { port: options.port, adminKey });
    const forget = recordServer(app, server.url);
    try {
      writeEnvLocal(app.root, { [urlVariable]: server.url, [keyVariable]: adminKey });
      announce(app, server.url, options, terminal);
      announceBuilds(backend.aggregates, terminal.stderr);
      return await pushUntilDone(app, { url: server.url, adminKey }, options, terminal);
    } finally {
      forget();
      await server.close();
    }
  } finally {
    await backend.close();
  }
}

/** Runs the official CLI until it ends by itself or the user ends `trueup dev`. */
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

function announce(app: AppFolder, url: string, options: DevOptions, terminal: Terminal): void {
  const { paint } = terminal.stderr;
  terminal.stderr.line(`${paint.green("trueup")} serves ${app.dataFile} on ${paint.bold(url)}`);
  if (options.json) terminal.stdout.line(JSON.stringify({ status: "ready", url, dataFile: app.dataFile }));
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError("A port is a number from 0 to 65535.");
  }
  return port;
}
