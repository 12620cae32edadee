/**
 * Hands requests over to the database: what comes while a batch is under way is the next one. A batch keeps its id until it is
 * answered: after a lost connection it is sent again, and the database knows whether it has happened. Whoever waits for too long
 * hears STORAGE_UNAVAILABLE; what comes of that batch the feed tells, as it does of everybody's.
 */
import { randomUUID } from "node:crypto";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import type { PendingRequest, PendingRequests } from "../pending/index.js";
import { commitParameters, commitSql } from "./commit-parameters.js";
import { type Connections, type Parameter, patienceMs, type Row } from "./connections.js";
import { type LoggedBatch, type Position, readBatch } from "./feed.js";
import { sqlStateOf } from "./postgres-errors.js";
import { raised } from "./schema/format.js";

const mostRequests = 256;
const mostBytes = 1_000_000;
/** How long one sending waits for its answer, and longer for each megabyte. */
const silenceMs = 4_000;
const silencePerMegabyteMs = 2_000;

/** What kind of row an answer of `commit` has: one that was missed, or what became of the batch. */
const rowKinds = { missed: "0", whole: "1", untold: "2" } as const;

export interface BatchHooks {
  /** The last commit that this opening has heard of. */
  known(): Position;
  /** Announces what is not known yet. */
  hear(batches: readonly LoggedBatch[]): void;
  /** Asks the feed until what was committed before the call is known. */
  poll(): Promise<void>;
}

interface Batch {
  readonly id: string;
  readonly requests: readonly PendingRequest[];
  /** Resolves when it was found in the log. */
  readonly whenHeard: Promise<void>;
  readonly onHeard: () => void;
}

export interface BatchOptions {
  readonly schema: string;
  readonly synchronousCommit: string | undefined;
}

export class Batches {
  readonly #pending: PendingRequests;
  readonly #connections: Connections;
  readonly #hooks: BatchHooks;
  readonly #sql: string;
  readonly #synchronousCommit: string | null;
  #current: Batch | undefined;
  #sending: Promise<void> | undefined;
  #sent = 0;
  #sentMs = 0;

  constructor(pending: PendingRequests, connections: Connections, options: BatchOptions, hooks: BatchHooks) {
    this.#pending = pending;
    this.#connections = connections;
    this.#hooks = hooks;
    this.#sql = commitSql(options.schema);
    this.#synchronousCommit = options.synchronousCommit ?? null;
  }

  /** How many were sent. */
  get sent(): number {
    return this.#sent;
  }

  /** How long that took in all. */
  get sentMs(): number {
    return this.#sentMs;
  }

  /** Sends what waits, when nothing is under way. */
  wake(): void {
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when nothing is under way. */
  async whenIdle(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  /** The requests of a batch that the log has, when it is the one that is under way; they are settled by whoever asks. */
  claim(batch: string): readonly PendingRequest[] | undefined {
    const current = this.#current;
    if (current?.id !== batch) return undefined;
    this.#current = undefined;
    current.onHeard();
    return current.requests;
  }

  async #sendAll(): Promise<void> {
    // What is handed over in the same turn of the event loop goes together.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    for (;;) {
      const requests = this.#pending.take(mostRequests, mostBytes);
      if (requests.length === 0) {
        // At once: what is handed over before this promise resolves would wait for somebody else to wake it.
        this.#sending = undefined;
        return;
      }
      await this.#send(requests);
    }
  }

  async #send(requests: readonly PendingRequest[]): Promise<void> {
    let onHeard = (): void => undefined;
    const whenHeard = new Promise<void>((resolve) => {
      onHeard = resolve;
    });
    const batch: Batch = { id: randomUUID(), requests, whenHeard, onHeard };
    this.#current = batch;
    this.#sent++;
    const beganMs = performance.now();
    try {
      const known = this.#hooks.known();
      const parameters = [
        ...[batch.id, String(known.version), known.batch, this.#synchronousCommit],
        ...commitParameters(requests),
      ];
      const answer = this.#ask(parameters);
      const rows = await Promise.race([answer, whenHeard]);
      if (rows !== undefined) await this.#settle(batch, rows);
    } catch (error) {
      await this.#fail(batch, error);
    } finally {
      this.#current = undefined;
      this.#sentMs += performance.now() - beganMs;
    }
  }

  async #ask(parameters: readonly Parameter[]): Promise<Row[]> {
    const bytes = parameters.reduce((sum, parameter) => sum + (parameter?.length ?? 0), 0);
    const moreMs = (bytes / 1_000_000) * silencePerMegabyteMs;
    return await this.#connections.persist(
      () => this.#connections.runOnce(this.#sql, parameters, silenceMs + moreMs),
      patienceMs + moreMs,
    );
  }

  async #settle(batch: Batch, rows: readonly Row[]): Promise<void> {
    const own = rows.at(-1) ?? [];
    const { version, refused, first } = readBatch(own.slice(1));
    const missed = rows.slice(0, -1).map((row) => readBatch(row.slice(1)));
    const isCommitted = own[2] !== null;
    if (own[0] === rowKinds.whole) {
      this.#hooks.hear(missed);
      if (isCommitted) this.#hooks.hear([{ version, first, batch: batch.id, refused, body: "" }]);
    }
    // The feed brings what an answer had no room for, and with it the batch.
    while (this.#hooks.known().version < version) await this.#hooks.poll();
    if (!isCommitted) this.#pending.refuse(batch.requests);
  }

  async #fail(batch: Batch, error: unknown): Promise<void> {
    const cause = isTrueupError(error) ? error.cause : error;
    const state = sqlStateOf(cause);
    if (state === raised.tooOld || state === raised.wentBack) {
      // The feed finds out which, and tells everybody that everything has changed.
      await this.#hooks.poll().catch(() => undefined);
      this.#pending.refuse(batch.requests);
      return;
    }
    const to = state === raised.moved && cause instanceof Error ? cause.message : undefined;
    this.#pending.fail(
      batch.requests,
      to === undefined ? error : new TrueupError("STORAGE_MOVED", undefined, { to }, error),
    );
  }
}
