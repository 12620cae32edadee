/** The calls that storage tests are made of, for storages that are synchronous or not, serial or not. */
import { isTrueupError } from "../../src/errors/index.js";
import type {
  CommitRequest,
  Entry,
  Reads,
  Storage,
  StorageReader,
  Version,
  Write,
} from "../../src/storage/storage.js";

/** Reads that are noted, as a transaction has to hand them over. */
function recordingReader(reader: StorageReader): { reader: StorageReader; reads: Reads } {
  const keys = new Set<string>();
  const ranges: { start: string; end: string }[] = [];
  return {
    reads: { keys, ranges },
    reader: {
      version: reader.version,
      get: (key) => {
        keys.add(key);
        return reader.get(key);
      },
      getMany: (many) => {
        for (const key of many) keys.add(key);
        return reader.getMany(many);
      },
      scan: async (range, options = {}) => {
        const found = await reader.scan(range, options);
        const last = found.at(-1)?.[0];
        const isPart = options.limit !== undefined && found.length === options.limit && last !== undefined;
        const { start, end = pastAllKeys } = range;
        if (!isPart) add(ranges, { start, end });
        else if (options.reverse) add(ranges, { start: last, end });
        else add(ranges, { start, end: `${last}\u0000` });
        return found;
      },
    },
  };
}

/** Above every key of bytes. */
const pastAllKeys = "\u0100";

/** Keeps the ranges sorted and apart from each other. */
function add(ranges: { start: string; end: string }[], range: { start: string; end: string }): void {
  if (range.start >= range.end) return;
  const apart = ranges.filter(({ start, end }) => end < range.start || start > range.end);
  const met = [range, ...ranges.filter((other) => !apart.includes(other))];
  const start = met.map((each) => each.start).sort()[0] ?? range.start;
  const end =
    met
      .map((each) => each.end)
      .sort()
      .at(-1) ?? range.end;
  ranges.splice(0, ranges.length, ...apart, { start, end });
  ranges.sort((a, b) => (a.start < b.start ? -1 : 1));
}

/** A transaction that hands over what it read. */
export interface NotedTransaction extends StorageReader {
  commit(request: Omit<CommitRequest, "reads">): Promise<Version>;
  rollback(): void;
}

/** Begins a transaction whose reads are noted. */
export async function begin(storage: Storage): Promise<NotedTransaction> {
  const transaction = await storage.begin();
  const { reader, reads } = recordingReader(transaction);
  return {
    ...reader,
    commit: (request) => transaction.commit({ ...request, reads }),
    rollback: () => transaction.rollback(),
  };
}

/**
 * Runs one transaction: what the callback returns is committed. Runs it again as often as the commit
 * conflicts, and rolls it back when the callback throws.
 */
export async function mutate(
  storage: Storage,
  run: (reader: StorageReader) => readonly Write[] | Promise<readonly Write[]>,
): Promise<Version> {
  for (;;) {
    const transaction = await begin(storage);
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
