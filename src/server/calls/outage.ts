/** The storage cannot be reached for now: the server's trouble, and no answer to what was asked. */
import { isTrueupError, type ErrorCode } from "../../errors/index.js";
import { pause } from "../../work/index.js";

const codes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["SNAPSHOT_TOO_OLD", "STORAGE_UNAVAILABLE"]);
const firstPauseMs = 50;
const longestPauseMs = 1_000;

/** Whether trying again later is the only answer to a failure. */
export function isOutage(thrown: unknown): boolean {
  return isTrueupError(thrown) && codes.has(thrown.code);
}

/**
 * Waits before another try, longer each time, so that not all clients come at once.
 * @param tries How many there were.
 */
export async function waitOut(tries: number): Promise<void> {
  await pause((0.5 + Math.random() / 2) * Math.min(longestPauseMs, firstPauseMs * 2 ** tries));
}
