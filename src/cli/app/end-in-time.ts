/** Ends a command that serves when it is told to end, whatever the app's functions are doing. */
import { exitCodes, type ExitCode } from "../exit-codes.js";
import type { Terminal } from "../output/terminal.js";

/** From the first signal on, so much time has a server to end what is under way. */
const patienceMs = 5_000;

/**
 * Ends with the server, or when that has not ended in time after a signal. What was acknowledged is durable, and what was
 * not is as if it had not been begun.
 */
export async function endInTime(
  serving: Promise<ExitCode>,
  { interrupted, stderr }: Terminal,
): Promise<ExitCode> {
  const tooLate = new Promise<ExitCode>((resolve) => {
    const giveUp = (): void => {
      stderr.line("Something was still running after five seconds, and was given up.");
      resolve(exitCodes.success);
    };
    interrupted.addEventListener("abort", () => setTimeout(giveUp, patienceMs).unref());
  });
  return await Promise.race([serving, tooLate]);
}
