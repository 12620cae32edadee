/**
 * The driver that Node brings along. Before 24.16 it cut text that it read at the first zero char, of which keys
 * are full, so what it can do is tried out and not guessed from a version. Its types are declared here as far as they are used,
 * because this package also compiles with the types of Nodes that do not have it.
 */
import type { SqliteConnection, SqliteDriver, SqliteValue } from "./driver.js";

interface Statement {
  setReturnArrays(enabled: boolean): void;
  run(...parameters: SqliteValue[]): unknown;
  /** One array of columns; what is in them is what the SQL says, here and in `all`. */
  get<Value>(...parameters: SqliteValue[]): Value[] | undefined;
  all<Row>(...parameters: SqliteValue[]): Row[];
}

interface NodeSqlite {
  DatabaseSync: new (
    path: string,
    options: { readOnly: boolean; timeout: number },
  ) => {
    exec(sql: string): void;
    prepare(sql: string): Statement;
    readonly isTransaction: boolean;
    close(): void;
  };
}

/** Undefined where this Node has no `node:sqlite`, or one that does not keep text exactly. */
export function loadNodeSqlite(): SqliteDriver | undefined {
  const sqlite: object | undefined = process.getBuiltinModule("node:sqlite");
  if (sqlite === undefined || !isNodeSqlite(sqlite)) return undefined;
  const driver = driverOf(sqlite);
  return keepsZeroChars(driver) ? driver : undefined;
}

function keepsZeroChars(driver: SqliteDriver): boolean {
  const connection = driver.open(":memory:", { busyTimeoutMs: 0 });
  const text = "a\0b";
  const isExact = connection.prepareValue<string>("SELECT ?")(text) === text;
  connection.close();
  return isExact;
}

function driverOf({ DatabaseSync }: NodeSqlite): SqliteDriver {
  return {
    name: "node:sqlite",
    moduleName: "node:sqlite",
    open(path, { readOnly = false, busyTimeoutMs }): SqliteConnection {
      const database = new DatabaseSync(path, { readOnly, timeout: busyTimeoutMs });
      return {
        exec: (sql) => {
          database.exec(sql);
        },
        prepareRun: (sql) => {
          const statement = database.prepare(sql);
          return (...parameters) => {
            statement.run(...parameters);
          };
        },
        prepareValue: <Value extends SqliteValue>(sql: string) => {
          const statement = prepareArrays(sql);
          return (...parameters) => statement.get<Value>(...parameters)?.[0];
        },
        prepareColumn: <Value extends SqliteValue>(sql: string) => {
          const statement = prepareArrays(sql);
          return (...parameters) => statement.all<[Value]>(...parameters).map(([value]) => value);
        },
        isInTransaction: () => database.isTransaction,
        close: () => {
          database.close();
        },
      };

      function prepareArrays(sql: string): Statement {
        const statement = database.prepare(sql);
        statement.setReturnArrays(true);
        return statement;
      }
    },
    resultCodeOf(error) {
      const isSqlite = error instanceof Error && "errcode" in error;
      return isSqlite && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
    },
  };
}

function isNodeSqlite(module: object): module is NodeSqlite {
  return "DatabaseSync" in module && typeof module.DatabaseSync === "function";
}
