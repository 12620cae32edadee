import pc from "picocolors";
import { expect, test } from "vitest";
import type { Output } from "./output/terminal.js";
import { runCli } from "./run-cli.js";

/** The exit code of a command line, and what it printed to stderr. */
async function run(...argv: string[]): Promise<{ exitCode: number; errors: string }> {
  const errors: string[] = [];
  const output: Output = {
    screen: undefined,
    paint: pc.createColors(false),
    write: () => {},
    line: (text) => void errors.push(text),
    live: () => {},
  };
  const silent: Output = { ...output, line: () => {} };
  const terminal = {
    stdout: silent,
    stderr: output,
    env: {},
    folder: "/",
    interrupted: new AbortController().signal,
  };
  return { exitCode: await runCli(argv, terminal), errors: errors.join("\n") };
}

test.each([
  ["aggregates", "verify, repair"],
  ["migrations", "run, pause"],
])("a word that is no command of `trueup %s` is named, with those that there are", async (command, known) => {
  const { exitCode, errors } = await run(command, "bogus");
  expect(exitCode).toBe((await run("bogus")).exitCode);
  expect(errors).toContain(
    `error INVALID_USAGE: \`trueup ${command}\` has no command "bogus", only ${known}`,
  );
});
