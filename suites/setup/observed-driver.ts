/** A SQLite driver that tells a test which statements run, and lets it make them fail. */
import type { SqliteConnection, SqliteDriver } from "../../src/storage/sqlite/driver/driver.js";

/** Calls `before` with the SQL of each statement when it is about to run; what it throws, the statement throws. */
export function observedDriver(driver: SqliteDriver, before: (sql: string) => void): SqliteDriver {
  function observe<Parameters extends unknown[], Result>(
    sql: string,
    run: (...parameters: Parameters) => Result,
  ): (...parameters: Parameters) => Result {
    return (...parameters) => {
      before(sql);
      return run(...parameters);
    };
  }

  return {
    name: driver.name,
    moduleName: driver.moduleName,
    resultCodeOf: (error) => driver.resultCodeOf(error),
    open(path, options): SqliteConnection {
      const connection = driver.open(path, options);
      return {
        exec: (sql) => {
          before(sql);
          connection.exec(sql);
        },
        prepareRun: (sql) => observe(sql, connection.prepareRun(sql)),
        prepareValue: (sql) => observe(sql, connection.prepareValue(sql)),
        prepareColumn: (sql) => observe(sql, connection.prepareColumn(sql)),
        isInTransaction: () => connection.isInTransaction(),
        close: () => {
          connection.close();
        },
      };
    },
  };
}
