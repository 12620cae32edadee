/**
 * One run of the `trueup` command: parses the arguments, runs the command, and turns whatever happens into
 * an exit code. Nothing below this file ends the process.
 */
import { createRequire } from "node:module";
import { Command } from "commander";
import { commands } from "./commands.js";
import { exitCodes, type ExitCode } from "./exit-codes.js";
import { reportError } from "./output/report-error.js";
import type { Terminal } from "./output/terminal.js";

/** Runs the command line (without `node` and the script) and resolves with the exit code; never rejects. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.success;
  const program = newProgram(terminal);
  for (const command of commands) {
    command.define(program, terminal, async (run) => {
      exitCode = await run();
    });
  }
  try {
    await program.parseAsync(argv.length === 0 ? ["--help"] : [...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return reportError(error, terminal, { json: argv.includes("--json") });
  }
}

function newProgram(terminal: Terminal): Command {
  const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
  return new Command("trueup")
    .description("Convex functions on a database you own.")
    .version(version)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.stream.write(text),
      writeErr: () => {},
    });
}
