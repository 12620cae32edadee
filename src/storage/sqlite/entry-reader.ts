/** Prepared reads of one connection. What they see is up to the transaction that the connection is in. */
import { assertLimit } from "../assert-limit.js";
import type { Entry, KeyRange, ScanOptions } from "../storage.js";
import type { SqliteConnection } from "./driver.js";

const ALL = -1;

export class EntryReader {
  readonly #get: (key: string) => string | undefined;
  readonly #scanUp: (start: string, end: string, limit: number) => Entry[];
  readonly #scanUpFrom: (start: string, limit: number) => Entry[];
  readonly #scanDown: (start: string, end: string, limit: number) => Entry[];
  readonly #scanDownFrom: (start: string, limit: number) => Entry[];

  constructor(connection: SqliteConnection) {
    const scan = (condition: string, direction: string) =>
      connection.prepareRows<Entry>(
        `SELECT key, value FROM entries WHERE ${condition} ORDER BY key ${direction} LIMIT ?`,
      );
    this.#get = connection.prepareValue<string>("SELECT value FROM entries WHERE key = ?");
    this.#scanUp = scan("key >= ? AND key < ?", "ASC");
    this.#scanUpFrom = scan("key >= ?", "ASC");
    this.#scanDown = scan("key >= ? AND key < ?", "DESC");
    this.#scanDownFrom = scan("key >= ?", "DESC");
  }

  get(key: string): string | undefined {
    return this.#get(key);
  }

  /** One lookup each: measured faster than an IN list of any length. */
  getMany(keys: readonly string[]): (string | undefined)[] {
    return keys.map((key) => this.#get(key));
  }

  scan({ start, end }: KeyRange, { reverse, limit }: ScanOptions = {}): Entry[] {
    assertLimit(limit);
    const most = limit ?? ALL;
    if (end === undefined) {
      return reverse ? this.#scanDownFrom(start, most) : this.#scanUpFrom(start, most);
    }
    return reverse ? this.#scanDown(start, end, most) : this.#scanUp(start, end, most);
  }
}
