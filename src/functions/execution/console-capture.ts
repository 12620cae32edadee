/**
 * Captures what functions write to the console. The console's methods are replaced once for the process. Outside of a
 * function they do what they did before; inside of one, the line goes to the log of the call and to the runtime's sink,
 * which by default is the console as it was.
 */
import { currentExecution, type Execution } from "./execution.js";
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
  if (!isReplaced) replaceMethodsWithState();
  isReplaced = true;
}

let isReplaced = false;

/** What the console keeps for the process, timers and indentation, a function has for its own call. */
function replaceMethodsWithState(): void {
  for (const [name, inFunction] of Object.entries(withState)) {
    const methods = console as unknown as Record<string, Print>;
    const original = methods[name];
    methods[name] = (...args) => {
      const execution = currentExecution.getStore();
      if (execution === undefined) original?.apply(console, args);
      else inFunction(execution, args);
    };
  }
}

type InFunction = (execution: Execution, args: unknown[]) => void;

const withState: Readonly<Record<string, InFunction>> = {
  time(execution, [name]) {
    const { timers } = execution.request.log;
    const label = labelOf(name);
    if (timers.has(label)) return note(execution, "WARN", `Timer '${label}' already exists`);
    timers.set(label, performance.now());
  },
  timeLog: (execution, [name, ...more]) => {
    tellTimer(execution, labelOf(name), more.length === 0 ? "" : ` ${formatArguments(more)}`);
  },
  timeEnd: (execution, [name]) => {
    tellTimer(execution, labelOf(name), "");
    execution.request.log.timers.delete(labelOf(name));
  },
  group: noteGroup,
  groupCollapsed: noteGroup,
  groupEnd: () => {},
};

/** Indenting would reach the lines of all other calls. */
function noteGroup(execution: Execution, args: unknown[]): void {
  if (args.length > 0) note(execution, "LOG", formatArguments(args), args);
}

/** As on Convex: in whole milliseconds, without quotes. */
function tellTimer(execution: Execution, label: string, more: string): void {
  const beganAtMs = execution.request.log.timers.get(label);
  if (beganAtMs === undefined) return note(execution, "WARN", `Timer '${label}' does not exist`);
  note(execution, "INFO", `${label}: ${Math.round(performance.now() - beganAtMs)}ms${more}`);
}

function labelOf(name: unknown): string {
  return name === undefined ? "default" : typeof name === "string" ? name : formatArguments([name]);
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
  note(execution, level, formatArguments(args), args);
}

function note(
  execution: Execution,
  level: LogLevel,
  message: string,
  args: readonly unknown[] = [message],
): void {
  const { engine, request, subject, component } = execution;
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
