/**
 * Decodes a key of `encode-key.ts` to its values. What the encoding does not keep cannot be decoded: every NaN comes back as
 * the same one, and an unresolved commit timestamp as the largest int64.
 */
import type { Value } from "convex/values";
import { TrueupError } from "../errors/index.js";

const view = new DataView(new ArrayBuffer(8));

const undefinedTag = 0x01;
const nullTag = 0x03;
const int64Zero = 0x08;
const float64Tag = 0x0d;
const falseTag = 0x0e;
const trueTag = 0x0f;
const stringTag = 0x10;
const bytesTag = 0x11;
const arrayTag = 0x12;
const objectTag = 0x15;

/** Bytes of an int64 by its tag, from 0x04, the most negative ones, to 0x0c. */
const int64Bytes = [8, 4, 2, 1, 0, 1, 2, 4, 8];
const firstInt64 = 0x04;
const lastInt64 = 0x0c;

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
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  value(): Value | undefined {
    const tag = this.#byte();
    switch (tag) {
      case undefinedTag:
        return undefined;
      case nullTag:
        return null;
      case float64Tag:
        return this.#float64();
      case falseTag:
        return false;
      case trueTag:
        return true;
      case stringTag:
        return fromUtf8(this.#escaped());
      case bytesTag:
        return Uint8Array.from(this.#escaped(), (char) => char.charCodeAt(0)).buffer;
      case arrayTag:
        return this.#array();
      case objectTag:
        return this.#object();
      default:
        if (tag >= firstInt64 && tag <= lastInt64) return this.#int64(tag);
        throw malformed();
    }
  }

  #byte(): number {
    if (this.at >= this.#key.length) throw malformed();
    return this.#key.charCodeAt(this.at++);
  }

  #float64(): number {
    const negative = this.#key.charCodeAt(this.at) < 0x80;
    for (let index = 0; index < 8; index++) view.setUint8(index, negative ? ~this.#byte() : this.#byte());
    if (!negative) view.setUint8(0, view.getUint8(0) & 0x7f);
    return view.getFloat64(0);
  }

  #int64(tag: number): bigint {
    if (tag === int64Zero) return 0n;
    let value = tag < int64Zero ? -1n : 0n;
    for (let count = int64Bytes[tag - firstInt64] as number; count > 0; count--) {
      value = (value << 8n) | BigInt(this.#byte());
    }
    return value;
  }

  /** The bytes up to the closing zero, which no FF follows. */
  #escaped(): string {
    let text = "";
    for (let from = this.at; ; from = this.at) {
      const zero = this.#key.indexOf("\0", from);
      if (zero < 0) throw malformed();
      text += this.#key.slice(from, zero);
      this.at = zero + 1;
      if (this.#key.charCodeAt(this.at) !== 0xff) return text;
      text += "\0";
      this.at++;
    }
  }

  #array(): Value[] {
    const items: Value[] = [];
    while (this.#peek() !== 0) items.push(defined(this.value()));
    this.at++;
    return items;
  }

  #object(): Value {
    const fields: [string, Value][] = [];
    while (this.#peek() !== 0 || this.#key.charCodeAt(this.at + 1) === 0xff) {
      fields.push([this.#fieldName(), defined(this.value())]);
    }
    this.at++;
    return Object.fromEntries(fields);
  }

  /** The empty name is an escaped zero with no end. */
  #fieldName(): string {
    if (this.#peek() !== 0) return fromUtf8(this.#escaped());
    this.at += 2;
    return "";
  }

  #peek(): number {
    if (this.at >= this.#key.length) throw malformed();
    return this.#key.charCodeAt(this.at);
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
