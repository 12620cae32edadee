/**
 * Brings a data file of format 1, which had no seals, to format 2: every entry is sealed, in one transaction, so that a
 * crash leaves the file as it was. Without seals only SQLite can tell damage, so a file is upgraded
 * only when SQLite finds nothing wrong with it. Meanwhile the log takes as much room on disk as the file.
 */
import { TrueupError } from "../../../errors/index.js";
import type { SqliteConnection } from "../driver/driver.js";
import { createMeta } from "./meta.js";
import { seal } from "../damage/seal.js";

const batchEntries = 1000;

/**
 * O(entries). The connection is the only one.
 * @throws STORAGE_CORRUPT when SQLite finds the file damaged
 */
export function upgradeToSeals(connection: SqliteConnection, path: string): void {
  const problem = connection.prepareValue<string>("PRAGMA integrity_check(1)")();
  if (problem !== "ok") {
    throw new TrueupError("STORAGE_CORRUPT", `${path} is of an older format, and damaged: ${problem}`, {
      path,
    });
  }
  connection.exec("BEGIN IMMEDIATE");
  sealEntries(connection);
  const version = connection.prepareValue<number>("SELECT value FROM meta WHERE name = 'version'")() ?? 0;
  connection.exec("DROP TABLE meta");
  createMeta(connection, { version, owner: process.pid });
  connection.exec("PRAGMA user_version = 2; COMMIT");
  // Versions of Trueup that do not know the format look into the file, not into the log.
  connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
}

function sealEntries(connection: SqliteConnection): void {
  const keysFrom = connection.prepareColumn<string>(
    "SELECT key FROM entries WHERE key >= ? ORDER BY key LIMIT ?",
  );
  const keysAfter = connection.prepareColumn<string>(
    "SELECT key FROM entries WHERE key > ? ORDER BY key LIMIT ?",
  );
  const read = connection.prepareValue<string>("SELECT value FROM entries WHERE key = ?");
  const write = connection.prepareRun("UPDATE entries SET value = ? WHERE key = ?");
  for (let keys = keysFrom("", batchEntries); keys.length > 0;) {
    for (const key of keys) write(seal(key, read(key) ?? ""), key);
    keys = keysAfter(keys.at(-1) ?? "", batchEntries);
  }
}
