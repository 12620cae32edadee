import { runCli } from "./run-cli.js";
import { processTerminal } from "./output/terminal.js";

// What is thrown deep in a component is to name the line of the app that called it: ten frames end before that.
Error.stackTraceLimit = 100;

process.exitCode = await runCli(process.argv.slice(2), processTerminal());
