import { runCli } from "./run-cli.js";
import { processTerminal } from "./output/terminal.js";

// The stack of an error deep in a component must reach the line of the app that called it, which ten frames do not.
Error.stackTraceLimit = 100;

process.exitCode = await runCli(process.argv.slice(2), processTerminal());
