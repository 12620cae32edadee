/**
 * Key encodings of the two number types. A float64 is a tag and its eight bytes with the sign bit set, or
 * all bits inverted when it is negative: IEEE's total order, with one NaN above infinity. An int64 is a
 * tag that names its sign and width, then big-endian two's complement in the smallest width that holds it.
 */
import { TrueupError } from "../errors/index.js";

export const maxInt64: bigint = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

const float64Tag = 0x0d;
const int64Zero = "\x08";

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
float[0] = 1;
const highHalf = words[1] === 0 ? 0 : 1;
const lowHalf = 1 - highHalf;

/** Nine key bytes; every NaN has the same. */
export function encodeFloat64(value: number): string {
  float[0] = value;
  let high = words[highHalf] as number;
  let low = words[lowHalf] as number;
  if (value !== value) {
    high = 0xfff80000;
    low = 0;
  } else if (high >= 0x80000000) {
    high = ~high;
    low = ~low;
  } else {
    high |= 0x80000000;
  }
  return String.fromCharCode(
    float64Tag,
    high >>> 24,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  );
}

/**
 * One to nine key bytes.
 * @throws INVALID_VALUE beyond 64 bits.
 */
export function encodeInt64(value: bigint): string {
  if (value === 0n) return int64Zero;
  if (value >= -0x80000000n && value < 0x80000000n) return encodeNarrowInteger(Number(value));
  if (value < minInt64 || value > maxInt64) {
    throw new TrueupError("INVALID_VALUE", `BigInt ${value} does not fit into a 64-bit signed integer.`);
  }
  const high = Number(BigInt.asUintN(32, value >> 32n));
  const low = Number(BigInt.asUintN(32, value));
  return (value < 0n ? "\x04" : "\x0c") + fourBytes(high) + fourBytes(low);
}

function encodeNarrowInteger(value: number): string {
  const negative = value < 0;
  if (value >= -0x80 && value < 0x80) {
    return String.fromCharCode(negative ? 0x07 : 0x09, value & 0xff);
  }
  if (value >= -0x8000 && value < 0x8000) {
    return String.fromCharCode(negative ? 0x06 : 0x0a, (value >> 8) & 0xff, value & 0xff);
  }
  return (negative ? "\x05" : "\x0b") + fourBytes(value);
}

function fourBytes(word: number): string {
  return String.fromCharCode(word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff);
}
