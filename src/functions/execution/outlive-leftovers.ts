/**
 * What functions leave behind when they return: promises that nobody awaits, timers. Node ends the process when one
 * of them fails; a process that others depend on must go on, and say whose failure it was.
 */
import { currentExecution } from "./execution.js";
import { logFailure } from "./log-buffer.js";
import { describeThrown } from "./thrown.js";

/**
 * Keeps this process alive when something fails that a function left behind, and logs it as the function's.
 * A promise that no function left behind is told of by `log`; any other exception ends the process as before.
 * Returns how to stop.
 */
export function outliveLeftovers(log: (line: string) => void): () => void {
  const onRejection = (reason: unknown): void => {
    const message = `A promise that nobody awaited was rejected: ${describeThrown(reason)}`;
    if (!logged(message)) log(message);
  };
  const onException = (error: unknown): void => {
    if (!logged(`A callback that outlived its function failed: ${describeThrown(error)}`)) throw error;
  };
  process.on("unhandledRejection", onRejection);
  process.on("uncaughtException", onException);
  return () => {
    process.off("unhandledRejection", onRejection);
    process.off("uncaughtException", onException);
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
