/**
 * Keeps the process alive when something fails that a function has left behind: a promise that nobody awaits, or a timer. Node
 * would end the process; one that others depend on must go on, and say whose failure it was. A function cannot end it either.
 */
import { TrueupError } from "../../errors/index.js";
import { currentExecution } from "./execution.js";
import { logFailure } from "./log-buffer.js";
import { describeThrown } from "./thrown.js";

/**
 * Logs the failure of what a function has left behind as a failure of that function. `log` is told of a rejected promise that
 * no function left behind; any other exception ends the process as before. Returns a function that undoes all of this.
 */
export function logStrayFailures(log: (line: string) => void): () => void {
  const onRejection = (reason: unknown): void => {
    const message = `A promise that nobody awaited was rejected: ${describeThrown(reason)}`;
    if (!logged(message)) log(message);
  };
  const onException = (error: unknown): void => {
    const execution = currentExecution.getStore();
    const whose = execution?.isOver === true ? "that outlived its function" : "of a function";
    if (!logged(`A callback ${whose} failed: ${describeThrown(error)}`)) throw error;
    // Nothing else would end a call that waits for this callback.
    execution?.abortCall(error instanceof Error ? error : new Error(String(describeThrown(error))));
  };
  const exit = process.exit.bind(process);
  process.exit = (code) => {
    const execution = currentExecution.getStore();
    if (execution === undefined) return exit(code);
    const { path } = execution.subject;
    throw new TrueupError("INVALID_CALL", `'${path}' cannot end the process by process.exit().`, { path });
  };
  process.on("unhandledRejection", onRejection);
  process.on("uncaughtException", onException);
  return () => {
    process.off("unhandledRejection", onRejection);
    process.off("uncaughtException", onException);
    process.exit = exit;
  };
}

/** Logs the message for the function that the running code belongs to; false when it belongs to none. */
function logged(message: string): boolean {
  const execution = currentExecution.getStore();
  if (execution === undefined) return false;
  const { engine, subject, component, request } = execution;
  const source = { functionPath: subject.path, componentPath: component.path, requestId: request.id };
  currentExecution.exit(() => logFailure(engine.log, source, message));
  return true;
}
