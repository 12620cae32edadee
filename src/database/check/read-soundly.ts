/** Reads that go on past damaged entries and name them, so that a check sees what lies behind them. */
import { isTrueupError } from "../../errors/index.js";
import { keyFromHex } from "../../values/index.js";
import type { Entry, KeyRange, StorageReader } from "../../storage/storage.js";

export interface SoundRows {
  readonly rows: readonly Entry[];
  /** Keys of entries in the range that do not fit their checksum. */
  readonly damaged: readonly string[];
  /** Where to go on; null at the end. */
  readonly next: string | null;
}

/**
 * The next rows of a range, up to `limit` of them, and what is damaged among them. O(limit + damaged × log n).
 * @throws STORAGE_CORRUPT where a page cannot be read
 */
export async function readRows(reader: StorageReader, range: KeyRange, limit: number): Promise<SoundRows> {
  const rows: Entry[] = [];
  const damaged: string[] = [];
  let start = range.start;
  for (let left = limit; left > 0; left = limit - rows.length - damaged.length) {
    try {
      const found = await reader.scan({ start, end: range.end }, { limit: left });
      rows.push(...found);
      const last = found.at(-1);
      return { rows, damaged, next: last === undefined || found.length < left ? null : `${last[0]}\0` };
    } catch (error) {
      const key = damagedKey(error);
      // The rows before the first damaged one are sound.
      if (key === null || key < start) throw error;
      rows.push(...(await reader.scan({ start, end: key }, { limit: left })));
      damaged.push(key);
      start = `${key}\0`;
    }
  }
  return { rows, damaged, next: start };
}

/** The values of these keys: undefined where there is none, null where it is damaged. */
export async function readValues(
  reader: StorageReader,
  keys: readonly string[],
): Promise<(string | undefined | null)[]> {
  try {
    return await reader.getMany(keys);
  } catch (error) {
    if (damagedKey(error) === null) throw error;
  }
  const values: (string | undefined | null)[] = [];
  for (const key of keys) {
    try {
      values.push(await reader.get(key));
    } catch (error) {
      if (damagedKey(error) === null) throw error;
      values.push(null);
    }
  }
  return values;
}

function damagedKey(error: unknown): string | null {
  if (!isTrueupError(error) || error.code !== "STORAGE_CORRUPT") return null;
  const { key } = error.details;
  return typeof key === "string" ? keyFromHex(key) : null;
}
