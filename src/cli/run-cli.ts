/**
 * One run of the `trueup` command: parses the arguments, runs the command, and turns whatever happens into an exit code.
 * Nothing below this file ends the process. Of the commands only the one that is named is loaded, since each brings the
 * rooms that it needs.
 */
import { createRequire } from "node:module";
import { Command } from "commander";
import type { CliCommand } from "./command.js";
import { exitCodes, type ExitCode } from "./exit-codes.js";
import { reportError } from "./output/report-error.js";
import type { Terminal } from "./output/terminal.js";

/** One file each, in the order in which `trueup --help` lists them. */
const commands: ReadonlyMap<string, () => Promise<CliCommand>> = new Map([
  ["init", async () => (await import("./commands/init.js")).init],
  ["dev", async () => (await import("./commands/dev.js")).dev],
  ["start", async () => (await import("./commands/start.js")).start],
  ["keys", async () => (await import("./commands/keys.js")).keys],
  ["run", async () => (await import("./commands/run.js")).run],
  ["migrations", async () => (await import("./commands/migrations.js")).migrations],
  ["aggregates", async () => (await import("./commands/aggregates.js")).aggregates],
  ["plan", async () => (await import("./commands/plan.js")).plan],
  ["move", async () => (await import("./commands/move.js")).move],
  ["check", async () => (await import("./commands/check.js")).check],
]);

/** Runs the command line, without `node` and the script. Resolves with the exit code, and never rejects. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.success;
  try {
    const program = newProgram(terminal);
    const named = commands.get(argv[0] ?? "");
    for (const load of named === undefined ? commands.values() : [named]) {
      (await load()).define(program, terminal, async (run) => {
        exitCode = await run();
      });
    }
    await program.parseAsync(argv.length === 0 ? ["--help"] : [...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return reportError(error, terminal, { json: argv.includes("--json") });
  }
}

function newProgram(terminal: Terminal): Command {
  const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
  return new Command("trueup")
    .description("Runs Convex functions on a database you own.")
    .version(version)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: () => {},
    });
}
