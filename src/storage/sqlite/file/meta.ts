/** What the storage keeps about itself beside the entries: a table of named values, each sealed like an entry. */
import type { SqliteConnection } from "../driver/driver.js";
import { DamagedEntry } from "../entry-reader.js";
import { seal, unseal } from "../damage/seal.js";

export const metaTable =
  "CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";

/** What is there from the beginning: numbers. */
type Name = "version" | "owner";
/** Where the data was moved to; only there when it was. */
const movedTo = "moved to";

/** Reads the number. @throws DamagedEntry, also when it is not there */
export function prepareMetaRead(connection: SqliteConnection, name: Name): () => number {
  const read = connection.prepareValue<string | null>("SELECT CAST(value AS TEXT) FROM meta WHERE name = ?");
  return () => {
    const value = unseal(sealedKey(name), read(name) ?? "");
    if (value === undefined) throw new DamagedEntry(name);
    return Number(value);
  };
}

/** Sets the number, which is there from the beginning. */
export function prepareMetaWrite(connection: SqliteConnection, name: Name): (value: number) => void {
  const write = connection.prepareRun("UPDATE meta SET value = ? WHERE name = ?");
  return (value) => write(seal(sealedKey(name), String(value)), name);
}

/** Where the data was moved to; null when it was not. @throws DamagedEntry */
export function readMovedTo(connection: SqliteConnection): string | null {
  const read = connection.prepareValue<string | null>("SELECT CAST(value AS TEXT) FROM meta WHERE name = ?");
  const sealed = read(movedTo);
  if (sealed === undefined) return null;
  const place = unseal(sealedKey(movedTo), sealed ?? "");
  if (place === undefined) throw new DamagedEntry(movedTo);
  return place;
}

/** Says where the data was moved to, or that it was not. */
export function writeMovedTo(connection: SqliteConnection, place: string | null): void {
  connection.prepareRun("DELETE FROM meta WHERE name = ?")(movedTo);
  if (place === null) return;
  connection.prepareRun("INSERT INTO meta VALUES (?, ?)")(movedTo, seal(sealedKey(movedTo), place));
}

/** Makes the table. */
export function createMeta(connection: SqliteConnection, numbers: Readonly<Record<Name, number>>): void {
  connection.exec(metaTable);
  const insert = connection.prepareRun("INSERT INTO meta VALUES (?, ?)");
  for (const name of ["version", "owner"] as const) {
    insert(name, seal(sealedKey(name), String(numbers[name])));
  }
}

/** Longer than the name, so that no seal fits where damage makes SQLite read one table in place of the other. */
function sealedKey(name: Name | typeof movedTo): string {
  return `meta ${name}`;
}
