/** The driver for Node before 24.16: better-sqlite3, which the app installs where it needs it, loaded when a file is opened. */
import { createRequire } from "node:module";
import type { SqliteConnection, SqliteDriver, SqliteValue } from "./driver.js";

type Parameters = SqliteValue[];

/** Rejects when the package is not installed or was not built for this Node. */
export async function loadBetterSqlite3(): Promise<SqliteDriver> {
  const { default: Database } = await import("better-sqlite3");
  // The native part is loaded by the first connection: find out now whether it can be.
  new Database(":memory:").close();

  return {
    name: "better-sqlite3",
    get moduleName() {
      return createRequire(import.meta.url).resolve("better-sqlite3");
    },
    open(path, { readOnly = false, busyTimeoutMs }): SqliteConnection {
      const database = new Database(path, { readonly: readOnly, timeout: busyTimeoutMs });
      return {
        exec: (sql) => {
          database.exec(sql);
        },
        prepareRun: (sql) => {
          const statement = database.prepare<Parameters>(sql);
          return (...parameters) => {
            statement.run(...parameters);
          };
        },
        prepareValue: <Value extends SqliteValue>(sql: string) => {
          const statement = database.prepare<Parameters, Value>(sql).pluck();
          return (...parameters) => statement.get(...parameters);
        },
        prepareColumn: <Value extends SqliteValue>(sql: string) => {
          const statement = database.prepare<Parameters, Value>(sql).pluck();
          return (...parameters) => statement.all(...parameters);
        },
        isInTransaction: () => database.inTransaction,
        close: () => {
          database.close();
        },
      };
    },
    resultCodeOf(error) {
      if (!(error instanceof Database.SqliteError)) return undefined;
      const primary = /^SQLITE_[A-Z]+/.exec(error.code)?.[0];
      return primary === undefined ? undefined : primaryCodes[primary];
    },
  };
}

/** The codes that this storage tells apart: https://sqlite.org/rescode.html. */
const primaryCodes: Readonly<Record<string, number>> = {
  SQLITE_PERM: 3,
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_NOTADB: 26,
};
