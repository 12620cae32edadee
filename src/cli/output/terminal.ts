/**
 * Where a command prints, and how it learns of Ctrl-C. stdout carries results and nothing else; progress, errors and the
 * console output of functions go to stderr. Colours and live lines appear only on a terminal, colours never when NO_COLOR is set.
 */
import { setTimeout } from "node:timers/promises";
import pc from "picocolors";

export type Paint = ReturnType<typeof pc.createColors>;

/** One of the two streams of a command. */
export interface Output {
  /** The stream, when it is a terminal: what draws there itself needs it. */
  readonly screen: NodeJS.WriteStream | undefined;
  readonly paint: Paint;
  /** Prints the text as it is. */
  write(text: string): void;
  /** Prints the text and a line end, above the live line if there is one. */
  line(text: string): void;
  /** Shows a line that stays at the bottom until it is replaced or, without a text, removed. Terminals only. */
  live(text?: string): void;
}

/** What a command knows of the place where it was typed. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The working folder, absolute. */
  readonly folder: string;
  /** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once. */
  readonly interrupted: AbortSignal;
}

/** The terminal of this process. @param isOrdered Whether another process tells it when to end, which gets the signals itself. */
export function processTerminal(isOrdered: boolean): Terminal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (isOrdered) return;
      if (controller.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143);
      controller.abort(signal);
    });
  }
  if (isOrdered) {
    process.on("message", () => controller.abort());
    process.on("disconnect", () => process.exit(1));
    // It waits for nothing but these.
    process.channel?.unref();
  }
  endQuietlyWhenReaderLeaves(process.stdout);
  return {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    // A copy: what is taken out of the environment of the app's functions stays known here.
    env: { ...process.env },
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
    screen: isTerminal ? stream : undefined,
    paint: pc.createColors(hasColours),
    write,
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

/** Ends the process without a stack trace when whoever reads the output has left, as `head` does. */
function endQuietlyWhenReaderLeaves(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
}

/** Resolves after the time, or as soon as the signal is aborted. */
export async function pause(timeoutMs: number, signal: AbortSignal): Promise<void> {
  await setTimeout(timeoutMs, undefined, { signal }).catch(() => {});
}
