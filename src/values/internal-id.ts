/**
 * New document ids' inner part: 14 random bytes and the day since 1970, as Convex makes them. Random bytes
 * are drawn from the platform in blocks, because one call costs more than all the rest.
 */

const randomBytes = 14;
const blockBytes = 256 * randomBytes;
const msPerDay = 86_400_000;

const block = new Uint8Array(blockBytes);
let used = blockBytes;

/**
 * A new internal id: 16 chars, U+0000 to U+00FF, one per byte.
 * @param nowMs Milliseconds since 1970; only the day of it is kept.
 * @param random Gives that many random bytes; the platform's cryptographic source when left out.
 */
export function newInternalId(nowMs: number, random: (byteCount: number) => Uint8Array = takeRandom): string {
  const day = Math.floor(nowMs / msPerDay) & 0xffff;
  return String.fromCharCode(...random(randomBytes), day >> 8, day & 0xff);
}

function takeRandom(byteCount: number): Uint8Array {
  if (used + byteCount > blockBytes) {
    globalThis.crypto.getRandomValues(block);
    used = 0;
  }
  used += byteCount;
  return block.subarray(used - byteCount, used);
}
