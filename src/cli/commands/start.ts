/**
 * `trueup start` serves an app in production: what was pushed to its data, on the addresses that its proxy knows, until it is
 * told to end. It needs no folder of an app, only its data: a folder, or a Postgres that any number of servers share. A child
 * process serves; this one starts it again.
 */
import { Option } from "commander";
import type { StartOptions } from "../app/serve-production.js";
import { givenKeys } from "../app/admin-key.js";
import { endInTime } from "../app/end-in-time.js";
import { supervised } from "../app/supervision.js";
import { supervise } from "../app/supervisor.js";
import { parsePort, parseUrl } from "../arguments/address.js";
import { dataOption, sharedData, storageOption } from "../arguments/chosen-data.js";
import { maxStallOption } from "../arguments/max-stall.js";
import type { CliCommand } from "../command.js";
import { logTo, plainEntry } from "../output/log-lines.js";
import type { ExitCode } from "../exit-codes.js";
import type { Terminal } from "../output/terminal.js";

export const start: CliCommand = {
  define(program, terminal, run) {
    program
      .command("start")
      .description("Serve what was pushed, in production.")
      .addOption(dataOption())
      .addOption(storageOption())
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
      .addOption(maxStallOption())
      .addHelpText("after", examples)
      .action((options: StartOptions) => run(() => serveOrSupervise(options, terminal)));
  },
};

const examples = `
The key may also be in the environment, as TRUEUP_ADMIN_KEY. Without any key, the first start makes one and shows it once.
Any number of servers may have the same --storage, behind one proxy: each serves all of the app.

Examples:
  $ trueup start --data /var/lib/app --public-url https://api.example.com --public-site-url https://app.example.com
  $ TRUEUP_ADMIN_KEY=… trueup start --host 0.0.0.0 --log json
  $ TRUEUP_STORAGE='postgres://app:…@db/app?schema=app' trueup start --host 0.0.0.0 --public-url https://api.example.com
`;

async function serveOrSupervise(options: StartOptions, terminal: Terminal): Promise<ExitCode> {
  if (supervised() === null) {
    givenKeys(options, terminal);
    sharedData(options, terminal);
    const log = logTo(terminal, options.log);
    return await supervise(terminal, (line) => log(line, plainEntry(line, "ERROR")));
  }
  const { serveProduction } = await import("../app/serve-production.js");
  return await endInTime(serveProduction(options, terminal), terminal);
}
