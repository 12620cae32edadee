/**
 * The order-preserving encoding of values as index keys. Comparing two encodings with `<` gives the order
 * of the values: undefined < null < int64 < float64 < booleans < strings (by UTF-8 bytes) < bytes < arrays
 * < objects. A key is a string with one char, U+0000 to U+00FF, per key byte. Encodings are concatenated
 * without separators, and tuples compare field by field: one encoding begins another only where a string
 * or bytes go on with a zero, and then the byte FF comes next, which is above all that may follow a whole value.
 * The byte format is the one of Convex's index keys; `compare-values.ts` states the same order without the bytes.
 */
import { CommitTsPlaceholder, type Value } from "convex/values";
import { TrueupError } from "../errors/index.js";

const undefinedTag = "\x01";
const nullTag = "\x03";
const falseTag = "\x0e";
const trueTag = "\x0f";
const stringTag = "\x10";
const bytesTag = "\x11";
const arrayTag = "\x12";
const objectTag = "\x15";
const endMark = "\x00";

/**
 * The concatenated encodings of a tuple of values. O(bytes of the values).
 * @throws INVALID_VALUE for what is no Convex value, such as a bigint beyond 64 bits.
 */
export function encodeKey(values: readonly (Value | undefined)[]): string {
  let key = "";
  for (const value of values) key += encodeValue(value);
  return key;
}

/**
 * Where the tuples end that begin with these encoded values, `key`, and go on with others or not at all:
 * `{ start: key, end: tupleEnd(key) }` has them and no tuple with a longer string in the last value's place, which
 * `prefixEnd` would let in.
 */
export function tupleEnd(key: string): string {
  return `${key}\xff`;
}

/**
 * The smallest key above every key that starts with `prefix`, or undefined when no key is above them
 * all. `{ start: prefix, end: prefixEnd(prefix) }` is the range of the prefix.
 */
export function prefixEnd(prefix: string): string | undefined {
  let length = prefix.length;
  while (length > 0 && prefix.charCodeAt(length - 1) === 0xff) length--;
  if (length === 0) return undefined;
  return prefix.slice(0, length - 1) + String.fromCharCode(prefix.charCodeAt(length - 1) + 1);
}

function encodeValue(value: Value | undefined): string {
  switch (typeof value) {
    case "string":
      return stringTag + escapeString(value) + endMark;
    case "number":
      return encodeFloat64(value);
    case "boolean":
      return value ? trueTag : falseTag;
    case "bigint":
      return encodeInt64(value);
    case "undefined":
      return undefinedTag;
    case "object":
      return encodeObject(value);
    default:
      throw new TrueupError("INVALID_VALUE", `A ${typeof value} has no place in an index key.`);
  }
}

function encodeObject(value: Exclude<Value, string | number | boolean | bigint>): string {
  if (value === null) return nullTag;
  if (Array.isArray(value)) {
    let key = arrayTag;
    for (const item of value) key += encodeValue(item);
    return key + endMark;
  }
  if (value instanceof ArrayBuffer) return bytesTag + escapeBytes(new Uint8Array(value)) + endMark;
  if (value instanceof CommitTsPlaceholder) return encodeInt64(maxInt64);
  let key = objectTag;
  for (const name of Object.keys(value).sort()) {
    const field = value[name];
    if (field !== undefined) key += encodeFieldName(name) + encodeValue(field);
  }
  return key + endMark;
}

/** An empty name is told from the object's end, which is a bare zero byte, by the byte that follows. */
function encodeFieldName(name: string): string {
  return name === "" ? "\x00\xff" : escapeString(name) + endMark;
}

/** UTF-8 bytes with 00 written as 00 FF, so that the closing 00 sorts below any continuation. */
function escapeString(text: string): string {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 0 || unit >= 0x80) return escapeFrom(text, index);
  }
  return text;
}

function escapeFrom(text: string, from: number): string {
  let escaped = text.slice(0, from);
  for (let index = from; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 0) escaped += "\x00\xff";
    else if (unit < 0x80) escaped += text[index];
    else if (unit < 0x800) escaped += String.fromCharCode(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
    else {
      // A lone surrogate is written like any other unit, so distinct strings have distinct keys.
      const point = text.codePointAt(index) ?? unit;
      if (point > 0xffff) index++;
      escaped += encodeWidePoint(point);
    }
  }
  return escaped;
}

function encodeWidePoint(point: number): string {
  const last = 0x80 | (point & 0x3f);
  const middle = 0x80 | ((point >> 6) & 0x3f);
  if (point < 0x10000) return String.fromCharCode(0xe0 | (point >> 12), middle, last);
  return String.fromCharCode(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f), middle, last);
}

function escapeBytes(bytes: Uint8Array): string {
  let escaped = "";
  for (const byte of bytes) escaped += byte === 0 ? "\x00\xff" : String.fromCharCode(byte);
  return escaped;
}

export const maxInt64: bigint = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

const float64Tag = 0x0d;
const int64Zero = "\x08";

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
float[0] = 1;
const highHalf = words[1] === 0 ? 0 : 1;
const lowHalf = 1 - highHalf;

/**
 * A tag and the eight bytes of the number with the sign bit set, or with all bits inverted when it is negative: IEEE's total
 * order, with one NaN above infinity.
 */
function encodeFloat64(value: number): string {
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
 * A tag that names the sign and the width, then big-endian two's complement in the smallest width that holds the number: one to
 * nine key bytes.
 * @throws INVALID_VALUE beyond 64 bits.
 */
function encodeInt64(value: bigint): string {
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
