/** The interface of a command: it adds itself to the program, and tells with which exit code its run ended. */
import type { Command } from "commander";
import { TrueupError } from "../errors/index.js";
import type { ExitCode } from "./exit-codes.js";
import type { Terminal } from "./output/terminal.js";

/** Hands the run of an action to the program, which reports what the run throws. */
export type Start = (run: () => Promise<ExitCode>) => Promise<void>;

/** One command of `trueup`. */
export interface CliCommand {
  define(program: Command, terminal: Terminal, start: Start): void;
}

/**
 * Lets a command that does something by itself, and has commands below it, name a word that is none of these; left alone,
 * commander complains about the number of arguments.
 * @throws INVALID_USAGE
 */
export function assertNoOtherCommand(command: Command): void {
  const [word] = command.args;
  if (word === undefined) return;
  const known = command.commands.map((sub) => sub.name()).join(", ");
  throw new TrueupError(
    "INVALID_USAGE",
    `\`trueup ${command.name()}\` has no command "${word}", only ${known}.`,
  );
}
