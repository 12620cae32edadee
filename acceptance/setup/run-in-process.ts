/** Runs the `trueup` command in this process, and keeps what it prints. */
import pc from "picocolors";
import type { runCli as RunCli } from "../../src/cli/run-cli.js";
import type { Output } from "../../src/cli/output/terminal.js";

export interface CliOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const lastWords = ["unhandledRejection", "uncaughtException"];

/** @param runCli That of the sources, or that of the build. */
export async function runInProcess(
  runCli: typeof RunCli,
  args: readonly string[],
  { folder, env = {}, hasColours = false }: { folder: string; env?: NodeJS.ProcessEnv; hasColours?: boolean },
): Promise<CliOutcome> {
  const [stdout, stderr] = [captured(hasColours), captured(hasColours)];
  const events: NodeJS.EventEmitter = process;
  const listening = lastWords.map((event) => [event, events.rawListeners(event)] as const);
  try {
    const interrupted = new AbortController().signal;
    const code = await runCli(args, { stdout, stderr, env, folder, interrupted });
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    // A command leaves its listeners for failures behind, because its process ends with it. This process goes on.
    for (const [event, before] of listening) {
      for (const listener of events.rawListeners(event)) {
        if (!before.includes(listener)) events.off(event, listener as () => void);
      }
    }
  }
}

function captured(hasColours: boolean): Output & { text(): string } {
  const parts: string[] = [];
  const write = (text: string): void => void parts.push(text);
  return {
    screen: undefined,
    paint: pc.createColors(hasColours),
    write,
    line: (text) => write(`${text}\n`),
    live: () => {},
    text: () => parts.join(""),
  };
}
