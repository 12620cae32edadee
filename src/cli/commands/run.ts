/**
 * `trueup run` calls one function, prints its value as JSON, and stays until the work that the function scheduled is done. It
 * needs no server: without one, this process has the data file open for as long as it runs.
 */
import { randomUUID } from "node:crypto";
import { convexToJson } from "convex/values";
import { chosenData, dataOption, storageOption, type DataOptions } from "../arguments/chosen-data.js";
import type { CliCommand } from "../command.js";
import { withConnection } from "../connection/connect.js";
import { callToTheEnd, leftToText, succeeded } from "../connection/call-to-the-end.js";
import type { Connection, FunctionCall } from "../connection/connection.js";
import { TrueupError } from "../../errors/index.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { parseFunctionName } from "../arguments/function-name.js";
import { parseIdentity, parseJsonObject } from "../arguments/json-argument.js";
import { pause, type Terminal } from "../output/terminal.js";

interface RunOptions extends DataOptions {
  readonly component?: string;
  readonly identity?: string;
  readonly detach?: true;
  readonly watch?: true;
  readonly json?: true;
}

const watchIntervalMs = 500;

export const run: CliCommand = {
  define(program, terminal, start) {
    program
      .command("run")
      .description("Run a function, and wait until the work that it scheduled is done.")
      .argument("<function>", "dir/module:export, or api.dir.module.export")
      .argument("[arguments]", "a JSON object", "{}")
      .addOption(dataOption())
      .addOption(storageOption())
      .option("--component <path>", "run a function of the component that is mounted at this path")
      .option("--identity <json>", "run as this user: a JSON object with name, email, subject, …")
      .option(
        "--detach",
        "leave scheduled work to the server, or to the next command that opens the data file",
      )
      .option("--watch", "print a query's value again whenever it changes, until Ctrl-C")
      .option("--json", "print one JSON document with status, value and log lines")
      .addHelpText("after", examples)
      .action((name: string, text: string, options: RunOptions) => {
        const call = (): Promise<ExitCode> => runFunction(name, text, options, terminal);
        return start(call);
      });
  },
};

const examples = `
Examples:
  $ trueup run leaderboard:addScore '{"name":"Ann","score":10}'
  $ trueup run leaderboard:runAggregateBackfill
  $ trueup run --component migrations lib:getStatus --watch
  $ trueup run users:me --identity '{"name":"Ann"}' --json
  $ trueup run init:seed --data /var/lib/app
`;

async function runFunction(
  name: string,
  text: string,
  options: RunOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const data = chosenData(options, terminal);
  const call = {
    path: parseFunctionName(terminal.folder, name),
    args: parseJsonObject("arguments", text),
    componentPath: options.component ?? "",
    ...(options.identity === undefined ? {} : { identity: parseIdentity(options.identity) }),
    requestId: randomUUID(),
  };
  if (options.watch && options.detach) {
    throw new TrueupError("INVALID_USAGE", "--watch and --detach exclude each other: leave one of them out.");
  }
  const logged: string[] = [];
  const log = (line: string): void => void (options.watch ? logged.push(line) : terminal.stderr.line(line));
  return await withConnection(data, terminal, { runScheduled: !options.detach, log }, (connection) =>
    options.watch
      ? watch(connection, call, logged, options, terminal)
      : callOnce(connection, call, options, terminal),
  );
}

async function callOnce(
  connection: Connection,
  call: FunctionCall & { readonly requestId: string },
  options: RunOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const onValue = (json: unknown): void => {
    if (!options.json) terminal.stdout.line(JSON.stringify(json, null, 2));
  };
  const { json, logLines, work } = await callToTheEnd(connection, call, options, terminal, onValue);
  if (options.json) terminal.stdout.line(JSON.stringify({ status: "success", value: json, logLines, work }));
  const left = leftToText(connection, work);
  if (left === undefined) return exitCodes.success;
  terminal.stderr.line(left);
  return options.detach ? exitCodes.success : exitCodes.interrupted;
}

/** Prints the value whenever it changed, and before it what the functions logged. */
async function watch(
  connection: Connection,
  call: FunctionCall,
  logged: string[],
  options: RunOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  let shown: string | undefined;
  while (!terminal.interrupted.aborted) {
    logged.length = 0;
    const { value, logLines } = succeeded(await connection.call({ ...call, onlyQuery: true }));
    const json = convexToJson(value);
    const text = JSON.stringify(json, null, 2);
    if (text !== shown) {
      for (const line of logged) terminal.stderr.line(line);
      terminal.stdout.line(
        options.json ? JSON.stringify({ status: "success", value: json, logLines }) : text,
      );
    }
    shown = text;
    await pause(watchIntervalMs, terminal.interrupted);
  }
  return exitCodes.success;
}
