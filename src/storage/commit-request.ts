/** How what a request says is carried out by storages that do so in JavaScript; others do the same in their own language. */
import type { Add, CommitRequest, Stamp, Touched, Version, Write } from "./storage.js";

const nothing: Touched = { keys: [], prefixes: [], isQuiet: false };

/** What a commit touched that says nothing of it. */
export function touchesNothing(): Touched {
  return nothing;
}

/** Whether there is nothing to commit. */
export function isEmpty({ writes, adds = [] }: CommitRequest): boolean {
  return writes.length === 0 && adds.length === 0;
}

/**
 * The timestamp of a request, in nanoseconds since 1970 as far as the version is in microseconds.
 * @param place The place of the request among those of its commit, at most 999.
 */
export function stampOf(version: Version, place = 0): bigint {
  return BigInt(version) * 1000n + BigInt(place);
}

/** The writes with the timestamp where it belongs. The same list where there are no stamps. */
export function stampedWrites(
  { writes, stamps = [] }: CommitRequest,
  timestamp: () => bigint,
): readonly Write[] {
  if (stamps.length === 0) return writes;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(timestamp());
  const inKey = bytes.toString("latin1");
  const inValue = bytes.reverse().toString("base64");
  const stamped = [...writes];
  for (const { write, part, offset } of stamps) {
    const [key, value] = stamped[write] ?? [];
    if (key === undefined) throw new RangeError(`A stamp names write ${write}, and there is none.`);
    if (part === "key") stamped[write] = [replaceAt(key, offset, inKey), value];
    else if (value !== undefined) stamped[write] = [key, replaceAt(value, offset, inValue)];
  }
  return stamped;
}

function replaceAt(text: string, offset: number, part: string): string {
  return text.slice(0, offset) + part + text.slice(offset + part.length);
}

/** What an add makes of the numbers at its key. */
export function sumOf(text: string | undefined, by: readonly number[]): string {
  const before = text === undefined ? [] : text.split(",");
  return by.map((number, index) => Number(before[index] ?? 0) + number).join(",");
}

/** The writes of a request as a storage makes them that knows what is there: adds as puts of their sums. */
export function plainWrites(
  writes: readonly Write[],
  adds: readonly Add[],
  valueOf: (key: string) => string | undefined,
): readonly Write[] {
  if (adds.length === 0) return writes;
  return [...writes, ...adds.map(([key, by]): Write => [key, sumOf(valueOf(key), by)])];
}

/** The part of a stamp in a text has this length. */
export function stampLength({ part }: Pick<Stamp, "part">): number {
  return part === "key" ? 8 : 12;
}
