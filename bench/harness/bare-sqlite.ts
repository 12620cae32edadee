/** The engine's floor: SQLite through its driver, better-sqlite3, with its settings and durability. */
import { statSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { removeFolder, temporaryFolder } from "./folders.js";
import type { Reopened } from "./hosts.js";

export interface BareSqlite {
  readonly database: Sqlite.Database;
  /** What the file takes up when it is closed, and how long it takes to open one like it. */
  readonly footprint: () => Reopened;
  readonly close: () => void;
}

/** Opens a file in a folder, which is removed when it is closed. */
export function openBareSqlite(folder: string = temporaryFolder()): BareSqlite {
  const file = join(folder, "bare.sqlite");
  const database = open(file);
  return {
    database,
    footprint: () => {
      database.pragma("wal_checkpoint(TRUNCATE)");
      const begin = performance.now();
      const other = open(file);
      const openMs = performance.now() - begin;
      other.close();
      return { sizeBytes: statSync(file).size, openMs };
    },
    close: () => {
      database.close();
      removeFolder(folder);
    },
  };
}

function open(file: string): Sqlite.Database {
  const database = new Sqlite(file);
  for (const setting of [
    "page_size = 8192",
    "journal_mode = WAL",
    "synchronous = FULL",
    "wal_autocheckpoint = 2500",
    "cache_size = -65536",
    "mmap_size = 1073741824",
  ]) {
    database.pragma(setting);
  }
  return database;
}
