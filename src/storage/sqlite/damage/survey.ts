/**
 * Goes through a data file from one end to the other, whatever is wrong with it. SQLite looks at its own pages; every entry is
 * held against its seal. Where a page cannot be read, the way is taken from the other end too, so that what lies behind it
 * is met as well. The rebuild copies what the survey meets into a new file and keeps the old one beside it.
 */
import { keyToHex } from "../../../values/index.js";
import type { StorageDamage } from "../../storage.js";
import type { SqliteConnection } from "../driver/driver.js";
import { unsealRow } from "./seal.js";

const maxProblems = 100;
const batchEntries = 1000;

/** One row: its key, and the key with the sealed value behind it. Null where a column is NULL. */
export interface SurveyedRow {
  readonly key: string | null;
  readonly row: string | null;
  /** The row fits its seal. */
  readonly isWhole: boolean;
}

/** A page between two stretches of rows that cannot be read. */
export interface Gap {
  readonly reason: string;
}

/** What SQLite says of its pages: nothing when they are sound. O(file), in one go. */
export function checkPages(connection: SqliteConnection): StorageDamage[] {
  try {
    const problems = connection.prepareColumn<string>(`PRAGMA integrity_check(${maxProblems})`)();
    const misplaced = connection.prepareValue<number>(
      "SELECT count(*) FROM entries WHERE typeof(key) <> 'text'",
    )();
    return [
      ...problems
        .filter((problem) => problem !== "ok")
        .map((message) => ({ kind: "page" as const, message })),
      ...(misplaced ? [{ kind: "page" as const, message: `${misplaced} keys are not text` }] : []),
    ];
  } catch (error) {
    return [{ kind: "page", message: messageOf(error) }];
  }
}

/** All rows in batches: in the order of keys up to what cannot be read, then from the end down to it. */
export function* survey(connection: SqliteConnection): Generator<SurveyedRow[] | Gap> {
  let reached: string | null = null;
  try {
    for (const rows of surveyed(connection, ">", "ASC")) {
      yield rows;
      reached = rows.at(-1)?.key ?? reached;
    }
    return;
  } catch (error) {
    yield { reason: messageOf(error) };
  }
  try {
    for (const rows of surveyed(connection, "<", "DESC")) {
      const behind: SurveyedRow[] = rows.filter(
        ({ key }) => reached === null || key === null || key > reached,
      );
      yield behind;
      if (behind.length < rows.length) return;
    }
  } catch {
    // The other edge of what cannot be read.
  }
}

function* surveyed(
  connection: SqliteConnection,
  past: ">" | "<",
  direction: "ASC" | "DESC",
): Generator<SurveyedRow[]> {
  const prepare = (
    column: string,
    condition: string,
  ): ((...parameters: (string | number)[]) => (string | null)[]) =>
    connection.prepareColumn<string | null>(
      `SELECT ${column} FROM entries WHERE typeof(key) = 'text' ${condition} ORDER BY key ${direction} LIMIT ?`,
    );
  const [keys, rows] = [prepare("key", ""), prepare("key || value", "")];
  const [nextKeys, nextRows] = [`AND key ${past} ?`].flatMap((next) => [
    prepare("key", next),
    prepare("key || value", next),
  ]);
  let batch = pair(keys(batchEntries), rows(batchEntries));
  while (batch.length > 0 && nextKeys !== undefined && nextRows !== undefined) {
    yield batch;
    const last = batch.at(-1)?.key ?? "";
    batch = pair(nextKeys(last, batchEntries), nextRows(last, batchEntries));
    const following = batch[0]?.key;
    // Keys out of order would be met again and again.
    if (
      following !== undefined &&
      following !== null &&
      (past === ">" ? following <= last : following >= last)
    ) {
      throw new Error("keys are out of order");
    }
  }
}

function pair(keys: readonly (string | null)[], rows: readonly (string | null)[]): SurveyedRow[] {
  return keys.map((key, index) => {
    const row = rows[index] ?? null;
    return { key, row, isWhole: row !== null && unsealRow(row)?.[0] === key };
  });
}

/** What is wrong with a row, or with a stretch that cannot be read. */
export function damageOf(found: SurveyedRow | Gap): StorageDamage {
  if ("reason" in found) return { kind: "page", message: found.reason };
  return { kind: "entry", key: keyToHex(found.key ?? ""), message: "does not fit its checksum" };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
