/**
 * Keys as they are stored: the first 2,500 bytes, where there are more their sha256, and the rest. The index is over the first
 * two, so keys that begin alike for so long are found, but not in their order: who reads a range sorts them.
 * `commit` does the same in SQL (`schema/functions.ts`).
 */
import { createHash } from "node:crypto";
import { keyBytes } from "./schema/format.js";

export interface StoredKey {
  /** At most 2,500 bytes. */
  readonly key: Buffer;
  /** The sha256 of the whole of a longer key; nothing of others. */
  readonly more: Buffer;
  /** What a longer key goes on with. */
  readonly rest: Buffer | null;
}

const nothing = Buffer.alloc(0);

export function storedKey(key: string): StoredKey {
  const bytes = Buffer.from(key, "latin1");
  if (bytes.length <= keyBytes) return { key: bytes, more: nothing, rest: null };
  return {
    key: bytes.subarray(0, keyBytes),
    more: createHash("sha256").update(bytes).digest(),
    rest: bytes.subarray(keyBytes),
  };
}

/** The key of a row. */
export function wholeKey(key: Buffer, rest: Buffer | null): string {
  return rest === null ? key.toString("latin1") : key.toString("latin1") + rest.toString("latin1");
}

/** From where on rows of the range are found; those of its first key's beginning are to be looked at. */
export function startOfRange(start: string): Buffer {
  return Buffer.from(start, "latin1").subarray(0, keyBytes);
}

/** Up to where, not included, rows of the range are found; those of its end's beginning are to be looked at. */
export function endOfRange(end: string | undefined): Buffer {
  if (end === undefined) return Buffer.alloc(keyBytes + 1, 0xff);
  if (end.length <= keyBytes) return Buffer.from(end, "latin1");
  return Buffer.concat([Buffer.from(end, "latin1").subarray(0, keyBytes), Buffer.alloc(1)]);
}
