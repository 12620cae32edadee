import { supervised } from "./app/supervision.js";
import { runCli } from "./run-cli.js";
import { processTerminal } from "./output/terminal.js";

// The stack of an error deep in a component must reach the line of the app that called it, which ten frames do not.
Error.stackTraceLimit = 100;

const terminal = processTerminal(supervised() !== null);
process.exitCode = await runCli(process.argv.slice(2), terminal);
// A function that was still running when the command was interrupted must not keep the process.
if (terminal.interrupted.aborted) process.exit();
