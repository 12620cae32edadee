/** What a command is to the rest of the CLI: it adds itself to the program and says how its run ended. */
import type { Command } from "commander";
import type { ExitCode } from "./exit-codes.js";
import type { Terminal } from "./output/terminal.js";

/** Hands an action's run to the program, which turns what it throws into an error report. */
export type Start = (run: () => Promise<ExitCode>) => Promise<void>;

export interface CliCommand {
  define(program: Command, terminal: Terminal, start: Start): void;
}
