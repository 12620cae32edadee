/** What SQLite itself says of the connections: it flushes at checkpoints; after commits that is left to the group writer. */
import { expect, test } from "vitest";
import { put, readAll } from "../../../suites/storage/storage-calls.js";
import { temporaryFolder } from "../../../suites/setup/temporary-folder.js";
import type { SqliteConnection, SqliteDriver } from "./driver/driver.js";
import { loadDriver } from "./driver/load-driver.js";
import { openSqlite, type SqliteOptions } from "./sqlite-storage.js";

const inFolder = temporaryFolder();
let files = 0;

/** What the pragmas of the connection that writes say, and those of the ones that read. */
async function settingsOf(options: SqliteOptions, names: readonly string[]): Promise<unknown> {
  const driver = await loadDriver();
  const file = inFolder(`${files++}.sqlite`);
  const connections: SqliteConnection[] = [];
  const noting: SqliteDriver = {
    ...driver,
    resultCodeOf: (error) => driver.resultCodeOf(error),
    open: (path, how) => {
      const connection = driver.open(path, how);
      if (path === file && how.readOnly !== true) connections.push(connection);
      return connection;
    },
  };
  const storage = openSqlite(noting, file, options);
  await put(storage, [["a", "1"]]);
  await readAll(storage);
  const transaction = await storage.begin();
  void transaction.commit({ writes: [["b", "2"]] });
  await readAll(storage);
  const read = (connection: SqliteConnection): unknown => [
    connection.prepareValue("PRAGMA query_only")() === 1 ? "reads" : "writes",
    ...names.map((name) => connection.prepareValue(`PRAGMA ${name}`)()),
  ];
  const settings = connections.map(read);
  await storage.close();
  return settings;
}

const off = 0;
const normal = 1;

test.each([
  ["left out", {}, normal, 1],
  ["full", { durability: "full" }, normal, 1],
  ["relaxed", { durability: "relaxed" }, normal, off],
] as const)("with durability %s SQLite syncs as it says", async (_what, options, synchronous, fullfsync) => {
  expect(await settingsOf(options, ["synchronous", "fullfsync", "journal_mode"])).toContainEqual([
    "writes",
    synchronous,
    fullfsync,
    "wal",
  ]);
});
