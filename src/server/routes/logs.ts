/**
 * Answers the polls for log lines that the official CLI makes while it watches code. This server prints what functions log
 * where it runs, so the stream stays empty: each poll waits as long as the CLI would, and ends with the server.
 */
import { HttpError } from "../http/http-error.js";
import type { Route } from "../http/route.js";

const pollMs = 30_000;

export const logRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/api/stream_function_logs",
    isForAdmins: true,
    answer: async ({ query, untilGone }) => {
      const cursor = Number(query.get("cursor") ?? 0);
      if (!Number.isFinite(cursor)) {
        throw new HttpError(400, "BadCursor", "The cursor of a log stream is a number.");
      }
      await ended(untilGone(), pollMs);
      return { entries: [], newCursor: cursor };
    },
  },
];

/** Resolves when the signal is aborted, or after a time. */
async function ended(signal: AbortSignal, atMostMs: number): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, atMostMs);
    const stop = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
