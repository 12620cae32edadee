/**
 * The seam between this storage and a SQLite library. A driver opens connections and names the result code
 * of an error; a prepared statement is a plain function. Everything above is written once, against this file.
 *
 * Contract: calls are synchronous and throw the library's own errors. Text is exact, zero chars included.
 */

/** What goes into and comes out of the statements of this storage. */
export type SqliteValue = string | number | null;

export interface OpenOptions {
  readonly readOnly?: boolean;
  /** How long a statement waits for a lock of another process; 0 fails at once. Blocks the thread. */
  readonly busyTimeoutMs: number;
}

export interface SqliteConnection {
  /** Runs statements that return nothing. */
  exec(sql: string): void;
  /** A statement that returns nothing. */
  prepareRun(sql: string): (...parameters: SqliteValue[]) => void;
  /** A statement whose answer is the first column of the first row; undefined when there is no row. */
  prepareValue<Value extends SqliteValue>(sql: string): (...parameters: SqliteValue[]) => Value | undefined;
  /** A statement whose answer is the first column of every row. The type is what the SQL says it is. */
  prepareColumn<Value extends SqliteValue>(sql: string): (...parameters: SqliteValue[]) => Value[];
  /** Whether a transaction is open: some errors end one. */
  isInTransaction(): boolean;
  close(): void;
}

export interface SqliteDriver {
  readonly name: "node:sqlite" | "better-sqlite3";
  /** What `require` finds the library by, in any thread. */
  readonly moduleName: string;
  open(path: string, options: OpenOptions): SqliteConnection;
  /** SQLite's primary result code of an error that a call threw; undefined for every other error. */
  resultCodeOf(error: unknown): number | undefined;
}
