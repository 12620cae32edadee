/** Answers the polls with which the official CLI follows the calls of functions: each waits until calls have ended. */
import { HttpError } from "../http/http-error.js";
import type { Route } from "../http/route.js";

const pollMs = 30_000;

export const logRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/api/stream_function_logs",
    isForAdmins: true,
    answer: async ({ calls, query, untilGone }) => {
      const cursor = Number(query.get("cursor") ?? 0);
      if (!Number.isFinite(cursor)) {
        throw new HttpError(400, "BadCursor", "The cursor of a log stream is a number.");
      }
      return await calls.after(cursor, untilGone(), pollMs);
    },
  },
];
