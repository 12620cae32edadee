/**
 * The way back from an encoded key to its values (`encode-key.ts`). What the encoding does not keep cannot come back: every
 * NaN is the same one, and an unresolved commit timestamp is the largest int64.
 */
import type { Value } from "convex/values";
import { TrueupError } from "../errors/index.js";

const view = new DataView(new ArrayBuffer(8));

const UNDEFINED = 0x01;
const NULL = 0x03;
const INT64_ZERO = 0x08;
const FLOAT64 = 0x0d;
const FALSE = 0x0e;
const TRUE = 0x0f;
const STRING = 0x10;
const BYTES = 0x11;
const ARRAY = 0x12;
const OBJECT = 0x15;

/** Bytes of an int64 by its tag, from 0x04, the most negative ones, to 0x0c. */
const INT64_BYTES = [8, 4, 2, 1, 0, 1, 2, 4, 8];
const FIRST_INT64 = 0x04;
const LAST_INT64 = 0x0c;

/**
 * The values whose encoding `encodeKey` gave. O(length).
 * @throws INVALID_VALUE when the key is none that `encodeKey` gives.
 */
export function decodeKey(key: string): (Value | undefined)[] {
  const reader = new KeyReader(key);
  const values: (Value | undefined)[] = [];
  while (reader.at < key.length) values.push(reader.value());
  return values;
}

class KeyReader {
  at = 0;
  private readonly key: string;

  constructor(key: string) {
    this.key = key;
  }

  value(): Value | undefined {
    const tag = this.byte();
    switch (tag) {
      case UNDEFINED:
        return undefined;
      case NULL:
        return null;
      case FLOAT64:
        return this.float64();
      case FALSE:
        return false;
      case TRUE:
        return true;
      case STRING:
        return fromUtf8(this.escaped());
      case BYTES:
        return Uint8Array.from(this.escaped(), (char) => char.charCodeAt(0)).buffer;
      case ARRAY:
        return this.array();
      case OBJECT:
        return this.object();
      default:
        if (tag >= FIRST_INT64 && tag <= LAST_INT64) return this.int64(tag);
        throw malformed();
    }
  }

  private byte(): number {
    if (this.at >= this.key.length) throw malformed();
    return this.key.charCodeAt(this.at++);
  }

  private float64(): number {
    const negative = this.key.charCodeAt(this.at) < 0x80;
    for (let index = 0; index < 8; index++) view.setUint8(index, negative ? ~this.byte() : this.byte());
    if (!negative) view.setUint8(0, view.getUint8(0) & 0x7f);
    return view.getFloat64(0);
  }

  private int64(tag: number): bigint {
    if (tag === INT64_ZERO) return 0n;
    let value = tag < INT64_ZERO ? -1n : 0n;
    for (let count = INT64_BYTES[tag - FIRST_INT64] as number; count > 0; count--) {
      value = (value << 8n) | BigInt(this.byte());
    }
    return value;
  }

  /** The bytes up to the closing zero, which no FF follows. */
  private escaped(): string {
    let text = "";
    for (let from = this.at; ; from = this.at) {
      const zero = this.key.indexOf("\0", from);
      if (zero < 0) throw malformed();
      text += this.key.slice(from, zero);
      this.at = zero + 1;
      if (this.key.charCodeAt(this.at) !== 0xff) return text;
      text += "\0";
      this.at++;
    }
  }

  private array(): Value[] {
    const items: Value[] = [];
    while (this.peek() !== 0) items.push(defined(this.value()));
    this.at++;
    return items;
  }

  private object(): Value {
    const fields: [string, Value][] = [];
    while (this.peek() !== 0 || this.key.charCodeAt(this.at + 1) === 0xff) {
      fields.push([this.fieldName(), defined(this.value())]);
    }
    this.at++;
    return Object.fromEntries(fields);
  }

  /** The empty name is an escaped zero with no end. */
  private fieldName(): string {
    if (this.peek() !== 0) return fromUtf8(this.escaped());
    this.at += 2;
    return "";
  }

  private peek(): number {
    if (this.at >= this.key.length) throw malformed();
    return this.key.charCodeAt(this.at);
  }
}

function defined(value: Value | undefined): Value {
  if (value === undefined) throw malformed();
  return value;
}

/** Like UTF-8, but halves of surrogate pairs that stand alone are written like any other char. */
function fromUtf8(bytes: string): string {
  for (let index = 0; index < bytes.length; index++) {
    if (bytes.charCodeAt(index) >= 0x80) return fromUtf8After(bytes, index);
  }
  return bytes;
}

function fromUtf8After(bytes: string, start: number): string {
  let text = bytes.slice(0, start);
  for (let index = start; index < bytes.length;) {
    const lead = bytes.charCodeAt(index++);
    const more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    let point = more === 0 ? lead : lead & (0x3f >> more);
    if (index + more > bytes.length) throw malformed();
    for (let count = 0; count < more; count++) point = (point << 6) | (bytes.charCodeAt(index++) & 0x3f);
    if (point > 0x10ffff) throw malformed();
    text += String.fromCodePoint(point);
  }
  return text;
}

function malformed(): TrueupError {
  return new TrueupError("INVALID_VALUE", "The text is no encoded key.");
}
