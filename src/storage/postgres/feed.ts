/**
 * The feed: asks the log for what came after the last commit that is known, and hands it on in order. It is asked when the
 * database notifies, when somebody needs the latest version, and from time to time, since notifications may be lost, or not
 * come through a pooler at all. Whoever asks while a question is under way waits for the next one, whose answer is surely
 * later.
 */
import type { Version } from "../storage.js";
import { readIntArray } from "./binary.js";
import type { Connections, Row } from "./connections.js";
import { format } from "./schema/format.js";
import { quoteName } from "./schema/tables.js";

/** How often to ask where commits were not notified of, and where they were. */
const pollMs = 50;
const notifiedPollMs = 1_000;

/** The place of a batch in the log, and what tells it from another one at the same place. */
export interface Position {
  readonly version: Version;
  readonly batch: string;
}

/** A batch of any process as the log has it. */
export interface LoggedBatch extends Position {
  /** The version of its first commit. */
  readonly first: Version;
  /** Of an answer to who sent it: the places of what was refused. */
  readonly refused: readonly number[];
  readonly body: string;
}

/** What the log said. */
export interface Poll {
  /** What was asked after. */
  readonly known: Position;
  readonly last: Position;
  readonly horizon: Version;
  /** Milliseconds since 1970 by the database's clock. */
  readonly nowMs: number;
  /** Whether the commit that was known is there. */
  readonly hasKnown: boolean;
  /** Those after it, as far as they fit an answer. */
  readonly batches: readonly LoggedBatch[];
}

export interface FeedHooks {
  /** The last commit that is known. */
  known(): Position;
  /** Returns whether there is more to ask for at once. */
  onPoll(poll: Poll): boolean | Promise<boolean>;
}

export class Feed {
  readonly #connections: Connections;
  readonly #hooks: FeedHooks;
  readonly #sql: string;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Whether commits have been notified of since one was only found by asking. */
  #isNotified = false;
  #isClosed = false;

  constructor(connections: Connections, schema: string, hooks: FeedHooks) {
    this.#connections = connections;
    this.#hooks = hooks;
    this.#sql = `SELECT * FROM ${quoteName(schema)}.poll_${format}($1)`;
  }

  /** Resolves when what was committed before the call has been handed on. @throws STORAGE_UNAVAILABLE, STORAGE_CLOSED */
  poll(): Promise<void> {
    if (this.#current === undefined) {
      this.#current = this.#pollOnce().finally(() => {
        this.#current = undefined;
        this.#rest();
      });
      return this.#current;
    }
    this.#next ??= this.#current
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.poll();
      });
    return this.#next;
  }

  /** The database says that somebody has committed. */
  notify(): void {
    this.#isNotified = true;
    this.#pollAlone();
  }

  /** Asks from now on without being asked to. */
  start(): void {
    this.#rest();
  }

  stop(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #pollOnce(): Promise<void> {
    clearTimeout(this.#timer);
    for (let hasMore = true; hasMore;) {
      const known = this.#hooks.known();
      const rows = await this.#connections.run(this.#sql, [String(known.version)]);
      hasMore = await this.#hooks.onPoll(readPoll(known, rows));
    }
  }

  #rest(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#pollAlone();
      },
      this.#isNotified ? notifiedPollMs : pollMs,
    );
  }

  /** Nobody waits for it: who does asks, and hears of the failure. */
  #pollAlone(): void {
    if (!this.#isClosed) this.poll().catch(() => undefined);
  }
}

function readPoll(known: Position, [clock = [], ...rows]: readonly Row[]): Poll {
  const batches = rows.map(readBatch);
  return {
    known,
    last: { version: Number(clock[0]), batch: clock[2] ?? "" },
    horizon: Number(clock[1]),
    nowMs: Number(clock[5]),
    hasKnown: batches.some(({ version, batch }) => version === known.version && batch === known.batch),
    batches: batches.filter(({ version }) => version > known.version),
  };
}

/** The first columns of the answers of `poll` and, behind what kind of row it is, of `commit`. */
export function readBatch([version, first, batch, refused, body]: Row): LoggedBatch {
  return {
    version: Number(version),
    first: Number(first),
    batch: batch ?? "",
    refused: readIntArray(refused ?? "{}"),
    body: body ?? "",
  };
}
