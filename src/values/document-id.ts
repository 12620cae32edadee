/**
 * Document ids, in the format that Convex's own tools decode: the table's number as a little-endian base-128
 * integer, 16 bytes that name the document, and a Fletcher-16 checksum of both, written in lowercase
 * Crockford base32 without padding: 31 to 37 chars. An id has exactly one spelling; every other one
 * is refused, so ids may be compared as strings.
 */

/** What an id says: `internalId` has one char, U+0000 to U+00FF, for each of its 16 bytes. */
export interface DecodedId {
  readonly tableNumber: number;
  readonly internalId: string;
}

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const internalIdBytes = 16;
const checksumBytes = 2;
const maxTableNumber = 0xffffffff;
const maxIdBytes = 5 + internalIdBytes + checksumBytes;
const minIdChars = 31;
const maxIdChars = 37;
const noDigit = 0xff;

const charOfDigit = new Uint8Array(32);
const digitOfChar = new Uint8Array(128).fill(noDigit);
for (let digit = 0; digit < alphabet.length; digit++) {
  charOfDigit[digit] = alphabet.charCodeAt(digit);
  digitOfChar[alphabet.charCodeAt(digit)] = digit;
}

// Scratch space of both directions: neither calls anything that could reach the other.
const bytes: number[] = Array.from({ length: maxIdBytes }, () => 0);

/** The id of a document. `tableNumber` is 1 to 2^32 - 1; `internalId` has 16 chars, one per byte. */
export function encodeId(tableNumber: number, internalId: string): string {
  let length = 0;
  let rest = tableNumber;
  while (rest >= 0x80) {
    bytes[length++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[length++] = rest;
  for (let index = 0; index < internalIdBytes; index++) {
    bytes[length++] = internalId.charCodeAt(index);
  }
  const checksum = fletcher16(length);
  bytes[length++] = checksum & 0xff;
  bytes[length++] = checksum >> 8;
  return base32(length);
}

/** What the id says, or null when the string is not an id. O(1). */
export function decodeId(id: string): DecodedId | null {
  const byteLength = readBase32(id);
  if (byteLength === 0) return null;
  const tableBytes = byteLength - internalIdBytes - checksumBytes;
  const tableNumber = readTableNumber(tableBytes);
  if (tableNumber === 0) return null;
  const checksumAt = byteLength - checksumBytes;
  const checksum = (bytes[checksumAt] as number) | ((bytes[checksumAt + 1] as number) << 8);
  if (checksum !== fletcher16(checksumAt)) return null;
  const internalId = String.fromCharCode(...bytes.slice(tableBytes, checksumAt));
  return { tableNumber, internalId };
}

/** The canonical base-128 integer in the first `length` bytes; 0, which is no table's number, if it is not one. */
function readTableNumber(length: number): number {
  let value = 0;
  for (let index = 0; index < length; index++) {
    const byte = bytes[index] as number;
    const isLast = index === length - 1;
    if (byte >= 0x80 === isLast || (isLast && byte === 0)) return 0;
    value += (byte & 0x7f) * 2 ** (7 * index);
  }
  return value <= maxTableNumber ? value : 0;
}

/** Fletcher's checksum with both sums modulo 256, over the first `length` bytes. */
function fletcher16(length: number): number {
  let low = 0;
  let high = 0;
  for (let index = 0; index < length; index++) {
    low = (low + (bytes[index] as number)) & 0xff;
    high = (high + low) & 0xff;
  }
  return (high << 8) | low;
}

function base32(length: number): string {
  const chars: number[] = [];
  let pending = 0;
  let pendingBits = 0;
  for (let index = 0; index < length; index++) {
    pending = (pending << 8) | (bytes[index] as number);
    pendingBits += 8;
    while (pendingBits >= 5) {
      pendingBits -= 5;
      chars.push(charOfDigit[(pending >> pendingBits) & 31] as number);
    }
    pending &= (1 << pendingBits) - 1;
  }
  if (pendingBits > 0) chars.push(charOfDigit[(pending << (5 - pendingBits)) & 31] as number);
  return String.fromCharCode(...chars);
}

/** Decodes into `bytes`; the number of bytes, or 0 when the string is not the base32 form of an id's bytes. */
function readBase32(id: string): number {
  if (id.length < minIdChars || id.length > maxIdChars) return 0;
  let pending = 0;
  let pendingBits = 0;
  let length = 0;
  for (let index = 0; index < id.length; index++) {
    const unit = id.charCodeAt(index);
    const digit = unit < 128 ? (digitOfChar[unit] as number) : noDigit;
    if (digit === noDigit) return 0;
    pending = (pending << 5) | digit;
    pendingBits += 5;
    if (pendingBits >= 8) {
      pendingBits -= 8;
      bytes[length++] = pending >> pendingBits;
      pending &= (1 << pendingBits) - 1;
    }
  }
  const paddingIsRight = pendingBits < 5 && pending === 0;
  return paddingIsRight ? length : 0;
}

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
