/** The interface of a command: it adds itself to the program, and tells with which exit code its run ended. */
import type { Command } from "commander";
import type { ExitCode } from "./exit-codes.js";
import type { Terminal } from "./output/terminal.js";

/** Hands the run of an action to the program, which reports what the run throws. */
export type Start = (run: () => Promise<ExitCode>) => Promise<void>;

/** One command of `trueup`. */
export interface CliCommand {
  define(program: Command, terminal: Terminal, start: Start): void;
}
