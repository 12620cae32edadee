/**
 * What a function threw: its data made safe to pass on, and the text that a client is told. Pushed code brings its own
 * copies of `ConvexError`, one for the app and one for each component, and an error that crosses between them must still be
 * `instanceof ConvexError` where it is caught. Errors are passed on as they are, so the test itself is widened.
 */
import type { Value } from "convex/values";
import { isTrueupError } from "../../errors/index.js";
import { copyValue } from "../boundary/copy-value.js";

const convexErrorMark = Symbol.for("ConvexError");

interface MarkedError {
  data?: unknown;
  message?: unknown;
}

/** True for a ConvexError of any copy of the `convex` package. */
function isConvexError(thrown: unknown): thrown is MarkedError {
  return typeof thrown === "object" && thrown !== null && convexErrorMark in thrown;
}

/**
 * Gives a ConvexError data of its own, so that whoever catches it shares no object with whoever threw it.
 * Returns the same error. @throws INVALID_VALUE when its data is no Convex value.
 */
export function detachThrown(thrown: unknown): unknown {
  if (isConvexError(thrown)) {
    thrown.data = copyValue(thrown.data ?? null);
  }
  return thrown;
}

/** The data of a ConvexError; undefined for every other error. */
export function errorDataOf(thrown: unknown): Value | undefined {
  return isConvexError(thrown) ? copyValue(thrown.data ?? null) : undefined;
}

/** The message a client gets, in the form of Convex's own: request id, what was thrown, where. */
export function errorMessageOf(thrown: unknown, requestId: string): string {
  return `[Request ID: ${requestId}] Server Error\n${describeThrown(thrown)}`;
}

/** What was thrown, with the lines of the app's own code that it came through. Never throws, whatever was thrown. */
export function describeThrown(thrown: unknown): string {
  try {
    return description(thrown);
  } catch {
    return "Uncaught value that cannot be shown";
  }
}

function description(thrown: unknown): string {
  if (!(thrown instanceof Error)) {
    return `Uncaught ${isConvexError(thrown) ? `ConvexError: ${String(thrown.message)}` : String(thrown)}`;
  }
  const what = isTrueupError(thrown) ? thrown.message : `Uncaught ${thrown.name}: ${thrown.message}`;
  return [what, ...appFrames(thrown)].join("\n");
}

/** The lines of the app's own code that an error came through. */
export function appFrames({ stack = "" }: Error): string[] {
  return stack.split("\n").filter(isAppFrame).map(withoutFolders);
}

/** A stack line of code that is neither built in nor Node's nor a dependency's nor this package's. */
function isAppFrame(line: string): boolean {
  return (
    /^\s+at /.test(line) &&
    !/node:|node_modules|\(<anonymous>\)$|<anonymous>:/.test(line) &&
    !line.includes(ownFolder)
  );
}

/** The line with the file as Convex names it, `../convex/dir/mod.ts`: where the app lies on this machine is nobody's business. */
function withoutFolders(line: string): string {
  return line.replace(/(?:file:\/\/)?(\/[^():]+)(?=:\d+:\d+\)?$)/, (_whole, path: string) => {
    const [, within] = /.*\/(?:convex|code\/[0-9a-f]{8})\/(.+)$/.exec(path) ?? [];
    return within === undefined ? `../${path.slice(path.lastIndexOf("/") + 1)}` : `../convex/${within}`;
  });
}

const ownFolder = new URL("../../", import.meta.url).pathname;

let installed = false;

/**
 * Widens `instanceof ConvexError`, once for the process: every error that bears the mark of a ConvexError is an instance of
 * every class of that name. Other classes are tested as before.
 */
export function shareConvexErrors(): void {
  if (installed) {
    return;
  }
  installed = true;
  const isInstance = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(Error, Symbol.hasInstance, {
    configurable: true,
    writable: true,
    value(this: unknown, value: unknown): boolean {
      return isInstance.call(this, value) || (isConvexErrorClass(this) && isConvexError(value));
    },
  });
}

function isConvexErrorClass(type: unknown): boolean {
  return typeof type === "function" && type.name === "ConvexError" && Object.getPrototypeOf(type) === Error;
}
