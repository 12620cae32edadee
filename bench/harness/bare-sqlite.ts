/** SQLite through the engine's driver, better-sqlite3, with the engine's settings and durability: the floor beneath it. */
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { removeFolder, temporaryFolder } from "./hosts.js";

export interface BareSqlite {
  readonly database: Sqlite.Database;
  readonly close: () => void;
}

export function openBareSqlite(): BareSqlite {
  const folder = temporaryFolder();
  const database = new Sqlite(join(folder, "bare.sqlite"));
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
  return {
    database,
    close: () => {
      database.close();
      removeFolder(folder);
    },
  };
}
