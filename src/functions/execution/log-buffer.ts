/** Keeps the lines that one call, and everything that it calls, write to the console, within Convex's bounds. */
import { inspect } from "node:util";

/** The level of a console line, as the official CLI prints it. */
export type LogLevel = "LOG" | "INFO" | "DEBUG" | "WARN" | "ERROR";

/** One line in its parts, as a function wrote it. */
export interface LogEntry {
  readonly level: LogLevel;
  /** The arguments formatted, without the level. */
  readonly message: string;
  /** What was passed to the console. */
  readonly args: readonly unknown[];
  /** The function that wrote it: `dir/mod:fn`. */
  readonly functionPath: string;
  readonly componentPath: string;
  readonly requestId: string;
}

/** Takes a line as text, `[LEVEL] dir/mod:fn message`, and in its parts. */
export type LogSink = (line: string, entry: LogEntry) => void;

/** The text of an entry. */
export function logLine(entry: LogEntry): string {
  const { level, functionPath, componentPath, message } = entry;
  const where = componentPath === "" ? functionPath : `${componentPath}/${functionPath}`;
  return `[${level}] ${where} ${message}`;
}

/** Hands an entry to a sink, with its line. */
export function logEntry(log: LogSink, entry: LogEntry): void {
  log(logLine(entry), entry);
}

/** Logs a failure that no caller is told of. */
export function logFailure(
  log: LogSink,
  source: Pick<LogEntry, "functionPath" | "componentPath" | "requestId">,
  message: string,
): void {
  logEntry(log, { ...source, level: "ERROR", message, args: [message] });
}

const maxLines = 256;
const maxLineLength = 32 * 1024;

export class LogBuffer {
  /** When the timers of `console.time` were begun, by label. */
  readonly timers: Map<string, number> = new Map();
  #lines: string[] = [];

  /** The lines so far: `[LEVEL] message`. */
  get lines(): string[] {
    return [...this.#lines];
  }

  add(level: LogLevel, message: string): void {
    if (this.#lines.length < maxLines) {
      const line = `[${level}] ${message}`;
      this.#lines.push(line.length > maxLineLength ? `${line.slice(0, maxLineLength)} (truncated)` : line);
    } else if (this.#lines.length === maxLines) {
      this.#lines.push(`[WARN] Log overflow (maximum ${maxLines} lines). The rest is omitted.`);
    }
  }

  /** Forgets the lines of an attempt that is about to be repeated. */
  truncate(length: number): void {
    this.#lines.length = Math.min(this.#lines.length, length);
  }

  get length(): number {
    return this.#lines.length;
  }
}

/** The arguments of a console method as one text: each as Node inspects it, with strings in quotes, as Convex shows them. */
export function formatArguments(args: readonly unknown[]): string {
  return args.map((arg) => inspect(arg, { depth: 4, breakLength: Infinity })).join(" ");
}
