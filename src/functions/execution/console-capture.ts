/**
 * Captures what functions write to the console. The console's methods are replaced once for the process. Outside of a
 * function they do what they did before; inside of one, the line goes to the log of the call and to the runtime's sink,
 * which by default is the console as it was.
 */
import { currentExecution } from "./execution.js";
import { formatArguments, logLine, type LogLevel, type LogSink } from "./log-buffer.js";

const levels = { log: "LOG", info: "INFO", debug: "DEBUG", warn: "WARN", error: "ERROR" } as const;

type Method = keyof typeof levels;
type Print = (...args: unknown[]) => void;

const originals = new Map<LogLevel, Print>();

/** Replaces the console's methods, once. Another copy of this module may have replaced them too. */
export function captureConsole(): void {
  const methods = console as unknown as Record<Method, Print>;
  for (const method of Object.keys(levels) as Method[]) {
    const level = levels[method];
    if (!originals.has(level)) {
      const original = methods[method];
      originals.set(level, original.bind(console));
      methods[method] = (...args) => write(level, original, args);
    }
  }
}

/** Prints the line of a function to the console as it was before the capture. */
export const printToConsole: LogSink = (_line, entry) => {
  originals.get(entry.level)?.(...entry.args);
};

function write(level: LogLevel, original: Print, args: unknown[]): void {
  const execution = currentExecution.getStore();
  if (execution === undefined) {
    original.apply(console, args);
    return;
  }
  const { engine, request, subject, component } = execution;
  const message = formatArguments(args);
  request.log.add(level, message);
  const entry = {
    level,
    message,
    args,
    functionPath: subject.path,
    componentPath: component.path,
    requestId: request.id,
  };
  // The sink may use the console itself.
  currentExecution.exit(() => engine.log(logLine(entry), entry));
}
