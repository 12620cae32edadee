/**
 * The queries that clients of the server watch. The same function, arguments and caller is one query, which is run and encoded
 * once for all who watch it.
 */
import { LiveQueries } from "../../subscriptions/index.js";
import { isPlainObject } from "../../values/index.js";
import { errorReply } from "../calls/function-reply.js";
import { nothingRead, runQuery, type QueryCall, type QueryHost } from "../calls/run-query.js";
import { changeText, queryChange } from "./server-messages.js";

/** What a query has come to, as it is sent. */
export interface WatchedOutcome {
  /** What `modificationText` completes for each client. */
  readonly text: string;
  readonly journal: string | null;
}

export type WatchedQueries = LiveQueries<QueryCall, WatchedOutcome>;

export function watchedQueries(host: QueryHost): WatchedQueries {
  return new LiveQueries<QueryCall, WatchedOutcome>(
    host.backend.database,
    async (call, snapshot, previous) => {
      const journal = previous?.journal ?? call.journal;
      const run = await runQuery(host, { ...call, journal }, snapshot).catch((error: unknown) => ({
        outcome: { reply: errorReply(error), journal },
        version: snapshot.version,
        readSet: nothingRead,
      }));
      const text = changeText(queryChange(run.outcome));
      const outcome = text === previous?.text ? previous : { text, journal: run.outcome.journal };
      return { ...run, outcome };
    },
    keyOf,
  );
}

/** A call is the same as another one when all of it is: the component, the function, the arguments, the caller, the page. */
function keyOf(call: QueryCall): string {
  return JSON.stringify(call, (_name, value: unknown) => (isPlainObject(value) ? sorted(value) : value));
}

function sorted(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
