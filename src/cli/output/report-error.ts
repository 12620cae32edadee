/**
 * Shows the user what a command threw: `error CODE: message` and the hint on stderr, and with `--json` one JSON document
 * on stdout as well.
 */
import { CommanderError } from "commander";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import type { Terminal } from "./terminal.js";

/** Prints the error, and returns the exit code, which is always the same for the same error code. */
export function reportError(
  error: unknown,
  terminal: Terminal,
  options: { readonly json: boolean },
): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.success;
    const lacksCommand = error.code === "commander.help";
    const message = lacksCommand
      ? "A command is missing: one of those that --help lists."
      : error.message.replace(/^error: /, "").replaceAll("\n", " ");
    return reportError(new TrueupError("INVALID_USAGE", message), terminal, options);
  }
  if (isFileError(error)) {
    const { path, message } = error;
    return reportError(new TrueupError("FILE_UNAVAILABLE", message, { path }, error), terminal, options);
  }
  const { stderr, stdout } = terminal;
  if (!isTrueupError(error)) {
    stderr.line(
      `${stderr.paint.red("error INTERNAL:")} ${error instanceof Error ? error.stack : String(error)}`,
    );
    stderr.line("hint: This is a defect of Trueup; please report it with the lines above.");
    if (options.json) {
      stdout.line(JSON.stringify({ status: "error", code: "INTERNAL", message: String(error) }));
    }
    return exitCodes.internal;
  }
  const { code, message, hint, details } = error;
  stderr.line(`${stderr.paint.red(`error ${code}:`)} ${message}`);
  stderr.line(stderr.paint.dim(`hint: ${hint}`));
  if (options.json) stdout.line(JSON.stringify({ status: "error", code, message, hint, details }));
  return exitCodeOf(code);
}

/** What Node throws when the system refuses a file or a folder: its message has the reason and the path. */
function isFileError(error: unknown): error is Error & { readonly path: string } {
  return error instanceof Error && "syscall" in error && "path" in error && typeof error.path === "string";
}
