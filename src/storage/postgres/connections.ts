/**
 * Connections to the database that are made when they are needed, and statements over them. Nothing is kept in a session, so a
 * pooler may hand each statement to another one. A connection on which no answer comes is given up, because a network that is
 * gone does not say so.
 */
import type { ClientBase, Pool, PoolConfig } from "pg";
import { TrueupError } from "../../errors/index.js";
import type { Address } from "./address.js";
import { endsConnection, isPassing, postgresError } from "./postgres-errors.js";

/** How long to wait for a new connection. */
const connectMs = 3_000;
/** How long an unreachable database is asked again before somebody hears of it. */
export const patienceMs = 9_000;
const firstPauseMs = 10;
const longestPauseMs = 500;

/** What `pg` is used for. */
export interface Driver {
  readonly Pool: new (config: PoolConfig) => Pool;
}

/** Rows as `pg` has them when nothing is made of its texts. */
export type Row = readonly (string | null)[];

export type Parameter = Buffer | string | null;

/** @throws STORAGE_DRIVER_MISSING */
export async function loadDriver(): Promise<Driver> {
  try {
    const { default: driver } = await import("pg");
    return driver;
  } catch (error) {
    throw new TrueupError(
      "STORAGE_DRIVER_MISSING",
      "A storage on Postgres needs the package pg, which is not installed: run `npm install pg`.",
      {},
      error,
    );
  }
}

/** Texts of answers are left as they are. */
const asTheyAre = { getTypeParser: () => (text: string) => text };

export interface ConnectionsOptions {
  /** At most so many at once. */
  readonly size: number;
  /** Calls it with each new connection. */
  readonly onConnect?: (client: ClientBase) => void;
}

export class Connections {
  readonly #pool: Pool;
  readonly #place: string;
  #isClosed = false;

  constructor(driver: Driver, { connectionString, name }: Address, { size, onConnect }: ConnectionsOptions) {
    this.#place = name;
    this.#pool = new driver.Pool({
      connectionString,
      max: size,
      connectionTimeoutMillis: connectMs,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      application_name: "trueup",
    });
    // One that is lost while nobody uses it is replaced when somebody does.
    this.#pool.on("error", () => undefined);
    this.#pool.on("connect", (client) => {
      // Who uses it then is told by the statement that fails.
      client.on("error", () => undefined);
      onConnect?.(client);
    });
  }

  /**
   * Runs a statement, once.
   * @param silenceMs How long to wait for its answer.
   */
  async runOnce(text: string, values: readonly Parameter[], silenceMs: number): Promise<Row[]> {
    if (this.#isClosed) throw new TrueupError("STORAGE_CLOSED");
    const client = await this.#pool.connect();
    const giveUp = setTimeout(() => {
      // With a statement under way, this ends it and the connection at once.
      void client.end().catch(() => undefined);
    }, silenceMs);
    let failure: unknown;
    try {
      const { rows } = await client.query<(string | null)[]>({
        text,
        values: [...values],
        rowMode: "array",
        types: asTheyAre,
      });
      return rows;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      clearTimeout(giveUp);
      client.release(failure !== undefined && endsConnection(failure));
    }
  }

  /** Lends a connection, which whoever has it gives back, broken or not. @throws STORAGE_UNAVAILABLE */
  async lend<T>(use: (client: ClientBase, release: (isBroken: boolean) => void) => Promise<T>): Promise<T> {
    const client = await this.persist(() => this.#pool.connect(), patienceMs);
    let isLent = true;
    return await use(client, (isBroken) => {
      if (isLent) client.release(isBroken);
      isLent = false;
    });
  }

  /** Runs several statements on one connection, in one transaction. */
  async transact(run: (client: ClientBase) => Promise<void>): Promise<void> {
    const client = await this.#pool.connect();
    let isBroken = true;
    try {
      await client.query("BEGIN");
      await run(client);
      await client.query("COMMIT");
      isBroken = false;
    } finally {
      client.release(isBroken);
    }
  }

  /** Runs a statement that may run twice, as often as it takes. @throws STORAGE_UNAVAILABLE and other codes of the storage */
  async run(text: string, values: readonly Parameter[] = [], silenceMs = 4_000): Promise<Row[]> {
    return await this.persist(() => this.runOnce(text, values, silenceMs), patienceMs);
  }

  /** Tries until it succeeds, fails for good or `forMs` have passed; the try that is under way then is left to itself. */
  async persist<T>(attempt: () => Promise<T>, forMs: number): Promise<T> {
    let lastError: unknown = new Error("It does not answer.");
    const untilMs = performance.now() + forMs;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(postgresError(this.#place, lastError)), forMs);
    });
    const tries = async (): Promise<T> => {
      for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
        try {
          return await attempt();
        } catch (error) {
          lastError = error;
          if (this.#isClosed) throw new TrueupError("STORAGE_CLOSED");
          if (!isPassing(error) || performance.now() > untilMs) throw postgresError(this.#place, error);
        }
        await new Promise((resolve) => {
          setTimeout(resolve, pauseMs);
        });
      }
    };
    try {
      return await Promise.race([tries(), patience]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends all of them; statements under way end with them. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#pool.end();
  }
}
