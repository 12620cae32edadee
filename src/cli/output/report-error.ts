/**
 * Turns what a command threw into what the user sees: `error CODE: message`, an excerpt where there is one,
 * and the hint, on stderr; with `--json` also one JSON document on stdout. Returns the exit code.
 */
import { CommanderError } from "commander";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import type { Terminal } from "./terminal.js";

export interface ReportOptions {
  readonly json: boolean;
}

/** Prints the error; the exit code is stable per error code. */
export function reportError(error: unknown, terminal: Terminal, options: ReportOptions): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.success;
    const message = error.message.replace(/^error: /, "").replaceAll("\n", " ");
    return reportError(new TrueupError("INVALID_USAGE", message), terminal, options);
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
