/**
 * Where a command prints and how it learns of Ctrl-C. stdout carries results and nothing else; progress,
 * the functions' own console output and errors go to stderr. Colours and live lines are used only on a stream that is a
 * terminal, never when NO_COLOR is set.
 */
import pc from "picocolors";

export type Paint = ReturnType<typeof pc.createColors>;

export interface Output {
  readonly isTerminal: boolean;
  readonly paint: Paint;
  /** Prints the text and a line end, above the live line if there is one. */
  line(text: string): void;
  /** Shows a line that stays at the bottom until it is replaced or, without a text, removed. Terminals only. */
  live(text?: string): void;
  readonly stream: NodeJS.WriteStream;
}

export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly folder: string;
  /** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once. */
  readonly interrupted: AbortSignal;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143);
      controller.abort(signal);
    });
  }
  endQuietlyWhenReaderLeaves(process.stdout);
  return {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    env: process.env,
    folder: process.cwd(),
    interrupted: controller.signal,
  };
}

function output(stream: NodeJS.WriteStream): Output {
  const isTerminal = stream.isTTY === true;
  const hasColours = isTerminal && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
  let shown: string | undefined;
  const write = (text: string): void => void stream.write(shown === undefined ? text : `${clearLine}${text}`);
  return {
    isTerminal,
    paint: pc.createColors(hasColours),
    stream,
    line(text) {
      write(`${text}\n${shown ?? ""}`);
    },
    live(text) {
      if (!isTerminal || text === shown) return;
      write(text ?? "");
      shown = text;
    },
  };
}

const clearLine = "\r\u001b[K";

/** `trueup … | head` must not end with a stack trace. */
function endQuietlyWhenReaderLeaves(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
}

/** Resolves after the time, or at once when the signal is aborted. */
export function pause(timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
