/** The calls that storage tests are made of, for storages that are synchronous or not, serial or not. */
import { isTrueupError } from "../../src/errors/index.js";
import type { Entry, Storage, StorageReader, Version, Write } from "../../src/storage/storage.js";

/**
 * Runs one transaction: what the callback returns is committed. Runs it again as often as the commit
 * conflicts, and rolls it back when the callback throws.
 */
export async function mutate(
  storage: Storage,
  run: (reader: StorageReader) => readonly Write[] | Promise<readonly Write[]>,
): Promise<Version> {
  for (;;) {
    const transaction = await storage.begin();
    try {
      return await transaction.commit({ writes: await run(transaction) });
    } catch (error) {
      transaction.rollback();
      if (!isTrueupError(error) || error.code !== "STORAGE_CONFLICT") throw error;
    }
  }
}

/** Commits these entries. */
export function put(storage: Storage, entries: readonly Entry[]): Promise<Version> {
  return mutate(storage, () => entries);
}

/** Everything that a new snapshot sees. */
export async function readAll(storage: Storage): Promise<Entry[]> {
  const snapshot = await storage.snapshot();
  try {
    return await snapshot.scan({ start: "" });
  } finally {
    snapshot.release();
  }
}

/** Three entries to begin with. */
export const abc: Entry[] = [
  ["a", "1"],
  ["b", "2"],
  ["c", "3"],
];

/** Keys with every byte in every position of interest, in order. */
export function allByteKeys(): string[] {
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  const edges = ["\u0000", "\u0001", "a", "\u007f", "\u0080", "\u00fe", "\u00ff"];
  const pairs = edges.flatMap((first) => edges.map((second) => first + second));
  const tails = bytes.map((byte) => `key${byte}`).flatMap((key) => [key, `${key}\u0000`, `${key}\u00ff`]);
  return [...new Set(["", ...bytes, ...pairs, ...tails])].sort((a, b) => (a < b ? -1 : 1));
}
