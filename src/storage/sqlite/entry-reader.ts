/**
 * Prepared reads of one connection. What they see is up to the transaction that the connection is in. Every entry is held
 * against its seal before it is handed out. Columns are cast to text, and a scan reads key and value as one column, which
 * costs less than two: damage can make a column a number or bytes, and only the seal is to judge it.
 */
import {
  assertLimit,
  type Entry,
  type KeyRange,
  type ScanOptions,
  type StorageReader,
  type Version,
} from "../storage.js";
import type { SqliteConnection } from "./driver/driver.js";
import { unseal, unsealRow } from "./damage/seal.js";

const all = -1;

/** A value that does not fit its seal; the coded error for it is `storageError`'s. */
export class DamagedEntry extends Error {
  readonly key: string;

  constructor(key: string) {
    super("An entry does not fit its checksum.");
    this.key = key;
  }
}

/** A row: key and sealed value, one behind the other. Null where damage made a column NULL. */
type Row = string | null;

interface Scan {
  readonly between: (start: string, end: string, limit: number) => Row[];
  readonly from: (start: string, limit: number) => Row[];
}

export class EntryReader {
  readonly #connection: SqliteConnection;
  readonly #get: (key: string) => string | null | undefined;
  readonly #up: Scan;
  readonly #down: Scan;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#get = connection.prepareValue<string | null>(
      "SELECT CAST(value AS TEXT) FROM entries WHERE key = ?",
    );
    this.#up = prepareScan(connection, "ASC");
    this.#down = prepareScan(connection, "DESC");
  }

  /** @throws DamagedEntry */
  get(key: string): string | undefined {
    const sealed = this.#get(key);
    if (sealed === undefined) return undefined;
    const value = sealed === null ? undefined : unseal(key, sealed);
    if (value === undefined) throw new DamagedEntry(key);
    return value;
  }

  /** One lookup each: measured faster than an IN list of any length. @throws DamagedEntry */
  getMany(keys: readonly string[]): (string | undefined)[] {
    return keys.map((key) => this.get(key));
  }

  /** @throws DamagedEntry */
  scan({ start, end }: KeyRange, { reverse, limit }: ScanOptions = {}): Entry[] {
    assertLimit(limit);
    const most = limit ?? all;
    const scan = reverse ? this.#down : this.#up;
    const rows = end === undefined ? scan.from(start, most) : scan.between(start, end, most);
    const entries: Entry[] = [];
    for (const [index, row] of rows.entries()) {
      const entry = row === null ? undefined : unsealRow(row);
      if (entry === undefined) throw new DamagedEntry(this.#keyAfter(start, end, reverse === true, index));
      entries.push(entry);
    }
    return entries;
  }

  /** The key of the row so many rows into a scan. */
  #keyAfter(start: string, end: string | undefined, reverse: boolean, rows: number): string {
    const range = end === undefined ? "key >= ?" : "key >= ? AND key < ?";
    const find = this.#connection.prepareValue<string | null>(
      `SELECT CAST(key AS TEXT) FROM entries WHERE ${range} ORDER BY key ${reverse ? "DESC" : "ASC"} LIMIT 1 OFFSET ?`,
    );
    return (end === undefined ? find(start, rows) : find(start, end, rows)) ?? "";
  }
}

function prepareScan(connection: SqliteConnection, direction: "ASC" | "DESC"): Scan {
  const prepare = (range: string): ((...parameters: (string | number)[]) => Row[]) =>
    connection.prepareColumn<Row>(
      `SELECT key || value FROM entries WHERE ${range} ORDER BY key ${direction} LIMIT ?`,
    );
  return { between: prepare("key >= ? AND key < ?"), from: prepare("key >= ?") };
}

/** Reads of a connection whose errors are the storage's: what snapshots and transactions have in common. */
export class CodedReader implements StorageReader {
  readonly version: Version;
  readonly #source: () => EntryReader;
  readonly #translate: (error: unknown) => Error;

  /**
   * @param source Where to read now; throws when this reader may not be used any more.
   * @param translate The coded error for one that the connection threw.
   */
  constructor(version: Version, source: () => EntryReader, translate: (error: unknown) => Error) {
    this.version = version;
    this.#source = source;
    this.#translate = translate;
  }

  get(key: string): string | undefined {
    try {
      return this.#source().get(key);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  getMany(keys: readonly string[]): (string | undefined)[] {
    try {
      return this.#source().getMany(keys);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  scan(range: KeyRange, options?: ScanOptions): Entry[] {
    try {
      return this.#source().scan(range, options);
    } catch (error) {
      throw this.#translate(error);
    }
  }
}
