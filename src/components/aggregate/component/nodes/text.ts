/**
 * The text that nodes are stored as: numbers and strings one after the other, in chars that take up one byte each. As far as
 * possible none of them is a zero. A small whole number takes one char for each five bits, any other number takes eleven chars,
 * and a string is written behind its length. The reader refuses whatever the writer would not have written.
 */

/** The 64 chars from this one on are the digits. */
const zeroCode = 0x30;
const digits = 64;
const moreBit = 32;
/** Whole numbers that are nearer to zero than this take as many digits as they need. */
const smallIntegerLimit = 2 ** 30;
const doubleMark = "#";
const nothingMark = "!";
/** A digest is a whole number below 2^54, and takes this many digits. */
const digestChars = 9;

const view = new DataView(new ArrayBuffer(8));

/** Readers throw this for a text that no writer has written. */
export class MalformedText extends Error {}

/** The text of a whole number from 0 to 2^31 - 1. */
export function lengthText(value: number): string {
  if (value < moreBit) return String.fromCharCode(zeroCode + value);
  if (value < moreBit * moreBit) {
    return String.fromCharCode(zeroCode + moreBit + (value & 31), zeroCode + (value >>> 5));
  }
  let text = "";
  let rest = value;
  for (; rest >= moreBit; rest >>>= 5) text += String.fromCharCode(zeroCode + moreBit + (rest & 31));
  return text + String.fromCharCode(zeroCode + rest);
}

/** The text of any number, or of null. NaN, the infinities and -0 are kept. */
export function numberText(value: number | null): string {
  if (value === null) return nothingMark;
  if (
    value > -smallIntegerLimit &&
    value < smallIntegerLimit &&
    (value | 0) === value &&
    (value !== 0 || 1 / value > 0)
  ) {
    return lengthText(value >= 0 ? value * 2 : -value * 2 - 1);
  }
  view.setFloat64(0, value);
  const high = view.getUint32(0);
  const low = view.getUint32(4);
  return (
    doubleMark +
    String.fromCharCode(
      zeroCode + (high >>> 26),
      zeroCode + ((high >>> 20) & 63),
      zeroCode + ((high >>> 14) & 63),
      zeroCode + ((high >>> 8) & 63),
      zeroCode + ((high >>> 2) & 63),
      zeroCode + ((high & 3) << 4) + (low >>> 28),
      zeroCode + ((low >>> 22) & 63),
      zeroCode + ((low >>> 16) & 63),
      zeroCode + ((low >>> 10) & 63),
      zeroCode + ((low >>> 4) & 63),
      zeroCode + (low & 15),
    )
  );
}

/** A whole number from 0 to 2^54 - 1, in a fixed number of chars; one when it is null. */
export function digestText(value: number | null): string {
  if (value === null) return nothingMark;
  const low = value % 0x40000000;
  const high = (value - low) / 0x40000000;
  return String.fromCharCode(
    zeroCode + ((high >>> 18) & 63),
    zeroCode + ((high >>> 12) & 63),
    zeroCode + ((high >>> 6) & 63),
    zeroCode + (high & 63),
    zeroCode + ((low >>> 24) & 63),
    zeroCode + ((low >>> 18) & 63),
    zeroCode + ((low >>> 12) & 63),
    zeroCode + ((low >>> 6) & 63),
    zeroCode + (low & 63),
  );
}

/** A string without zeros, after its length. */
export function stringText(text: string): string {
  return lengthText(text.length) + text;
}

/** This mark stands for a run of zeros, whose length follows; with the length 0 it stands for itself. */
const textMark = "\x02";
const markCode = 2;
const mostZeros = 31;
const zeroDigits: readonly string[] = Array.from({ length: moreBit }, (_, count) =>
  count === 0 ? textMark : "\0".repeat(count),
);

/** Writes a string of bytes without zeros: each run of them, of which keys have many, becomes a mark and a length. */
export function withoutZeros(bytes: string): string {
  let text = "";
  let from = 0;
  for (let index = 0; index < bytes.length; index++) {
    const code = bytes.charCodeAt(index);
    if (code !== 0 && code !== markCode) continue;
    text += bytes.slice(from, index) + textMark;
    let count = 0;
    if (code === 0) while (count < mostZeros && bytes.charCodeAt(index + count) === 0) count++;
    text += lengthText(count);
    if (count > 0) index += count - 1;
    from = index + 1;
  }
  return from === 0 ? bytes : text + bytes.slice(from);
}

/** What `withoutZeros` was given. @throws MalformedText */
export function withZeros(text: string): string {
  let mark = text.indexOf(textMark);
  if (mark < 0) return text;
  let bytes = "";
  let from = 0;
  for (; mark >= 0; mark = text.indexOf(textMark, from)) {
    const zeros = zeroDigits[text.charCodeAt(mark + 1) - zeroCode];
    if (zeros === undefined) throw new MalformedText();
    bytes += text.slice(from, mark) + zeros;
    from = mark + 2;
  }
  return bytes + text.slice(from);
}

/** Reads what the functions above have written, in the same order. */
export class TextReader {
  readonly #text: string;
  #at: number;

  constructor(text: string, start: number) {
    this.#text = text;
    this.#at = start;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** @throws MalformedText, as all other methods do */
  length(): number {
    let digit = this.#digit();
    let value = digit & 31;
    for (let shift = 5; digit >= moreBit; shift += 5) {
      if (shift > 30) throw new MalformedText();
      digit = this.#digit();
      value |= (digit & 31) << shift;
    }
    if (value < 0) throw new MalformedText();
    return value;
  }

  number(): number | null {
    const first = this.#text[this.#at];
    if (first === nothingMark) {
      this.#at++;
      return null;
    }
    if (first !== doubleMark) {
      const value = this.length();
      return (value & 1) === 0 ? value / 2 : -(value + 1) / 2;
    }
    this.#at++;
    return this.#double();
  }

  digest(): number | null {
    if (this.#text[this.#at] === nothingMark) {
      this.#at++;
      return null;
    }
    let value = 0;
    for (let index = 0; index < digestChars; index++) value = value * digits + this.#digit();
    return value;
  }

  string(): string {
    return this.chars(this.length());
  }

  chars(count: number): string {
    const end = this.#at + count;
    if (end > this.#text.length) throw new MalformedText();
    const found = this.#text.slice(this.#at, end);
    this.#at = end;
    return found;
  }

  #double(): number {
    let high = 0;
    for (let index = 0; index < 5; index++) high = high * digits + this.#digit();
    const shared = this.#digit();
    let low = shared & 15;
    for (let index = 0; index < 4; index++) low = low * digits + this.#digit();
    const last = this.#digit();
    if (last > 15) throw new MalformedText();
    view.setUint32(0, high * 4 + (shared >>> 4));
    view.setUint32(4, low * 16 + last);
    return view.getFloat64(0);
  }

  #digit(): number {
    const digit = this.#text.charCodeAt(this.#at++) - zeroCode;
    if (!(digit >= 0 && digit < digits)) throw new MalformedText();
    return digit;
  }
}
