/**
 * Deletes what nobody can read any more: values that were overwritten, and commits that every process has heard of, when
 * they are older than the storage keeps them. Each opening has one; they find out from the clock's row who was first.
 */
import type { Connections } from "./connections.js";
import { format } from "./schema/format.js";
import { quoteName } from "./schema/tables.js";

/** How often the horizon is raised. */
const pauseMs = 10_000;

export class Janitor {
  readonly #connections: Connections;
  readonly #name: string;
  readonly #keptMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #sizes = { dataBytes: 0, logBytes: 0 };

  constructor(connections: Connections, schema: string, keptMs: number) {
    this.#connections = connections;
    this.#name = quoteName(schema);
    this.#keptMs = keptMs;
  }

  /** What the data takes up, and what is kept of the past, as of the last look. */
  get sizes(): { readonly dataBytes: number; readonly logBytes: number } {
    return this.#sizes;
  }

  /** Finds out what the tables take up. */
  async look(): Promise<void> {
    const sizeOf = (table: string): string =>
      `pg_total_relation_size('${`${this.#name}.${table}`.replaceAll("'", "''")}')`;
    const [row] = await this.#connections.run(
      `SELECT ${sizeOf("entries")}, ${sizeOf("history")} + ${sizeOf("log")}`,
    );
    this.#sizes = { dataBytes: Number(row?.[0]), logBytes: Number(row?.[1]) };
  }

  start(): void {
    // Not all at the same moment.
    this.#timer = setTimeout(
      () => {
        this.#running = this.#trim()
          // Whatever it was, it is tried again, and what matters to others they meet themselves.
          .catch(() => undefined)
          .then(() => {
            if (this.#timer !== undefined) this.start();
          });
      },
      pauseMs * (0.75 + Math.random() / 2),
    );
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#running;
  }

  async #trim(): Promise<void> {
    const [raised] = await this.#connections.run(`SELECT * FROM ${this.#name}.trim_${format}($1, $2)`, [
      String(Math.ceil(this.#keptMs)),
      String(pauseMs / 2),
    ]);
    const horizon = raised?.[0];
    await this.look();
    if (typeof horizon !== "string") return;
    for (const [table, column, isOld] of [
      ["history", "ended", "<="],
      ["log", "version", "<"],
    ] as const) {
      await this.#connections.run(
        `DELETE FROM ${this.#name}.${table} WHERE ${column} ${isOld} $1`,
        [horizon],
        60_000,
      );
    }
  }
}
