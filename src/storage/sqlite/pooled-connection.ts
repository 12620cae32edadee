/** A connection for snapshots, in a read transaction while it is pinned to a version. */
import type { Version } from "../storage.js";
import type { SqliteConnection } from "./driver.js";
import { EntryReader } from "./entry-reader.js";
import { prepareMetaRead } from "./meta.js";

export class PooledConnection {
  readonly reader: EntryReader;
  readonly #connection: SqliteConnection;
  readonly #begin: () => void;
  readonly #readVersion: () => number;
  readonly #end: () => void;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.reader = new EntryReader(connection);
    this.#begin = connection.prepareRun("BEGIN");
    this.#readVersion = prepareMetaRead(connection, "version");
    this.#end = connection.prepareRun("END");
  }

  /** Pins the latest durable version, which it returns: a transaction sees what its first read sees. */
  pin(): Version {
    this.#begin();
    return this.#readVersion();
  }

  unpin(): void {
    this.#end();
  }

  close(): void {
    this.#connection.close();
  }
}
