/**
 * Entries: items as texts that sort by namespace and then as their positions do, for builds that sort all items before they pack
 * them. An entry is the encoded namespace, the order of the position, and the values; its last chars tell how long the
 * first and the last part are. Encoded values are no prefixes of each other but before a char FF, which stands behind none of
 * these parts, so what follows a position never decides. Entries consist of chars up to U+00FF.
 */
import { Position } from "./position.js";
import type { Item } from "./summary.js";

const nothing = "\x00";
const something = "\x01";
const lengthChars = 3;
const trailerChars: number = 2 * lengthChars;
const view = new DataView(new ArrayBuffer(8));

/** The entry of an item in an encoded namespace. O(length). */
export function entryText(space: string, { position, values }: Item): string {
  let text = "";
  for (const value of values) text += value === null ? nothing : something + bytesOf(value);
  return space + position.order + text + lengthText(space.length) + lengthText(text.length);
}

/** How long the encoded namespace is that an entry begins with. */
export function spaceLengthOf(entry: string): number {
  return lengthAt(entry, entry.length - trailerChars);
}

/** What two entries have in common whose items have the same place in the same namespace. */
export function placeOfEntry(entry: string): string {
  const end = entry.length - trailerChars;
  return entry.slice(0, end - lengthAt(entry, end + lengthChars));
}

/** The item of an entry. */
export function readEntry(entry: string): Item {
  const end = entry.length - trailerChars;
  const valuesLength = lengthAt(entry, end + lengthChars);
  const values: (number | null)[] = [];
  for (let at = end - valuesLength; at < end;) {
    if (entry[at++] === nothing) values.push(null);
    else {
      for (let index = 0; index < 8; index++) view.setUint8(index, entry.charCodeAt(at + index));
      values.push(view.getFloat64(0));
      at += 8;
    }
  }
  return { position: Position.ofOrder(entry.slice(spaceLengthOf(entry), end - valuesLength)), values };
}

function lengthText(length: number): string {
  return String.fromCharCode(length >>> 16, (length >>> 8) & 0xff, length & 0xff);
}

function lengthAt(entry: string, at: number): number {
  return (entry.charCodeAt(at) << 16) | (entry.charCodeAt(at + 1) << 8) | entry.charCodeAt(at + 2);
}

function bytesOf(value: number): string {
  view.setFloat64(0, value);
  const high = view.getUint32(0);
  const low = view.getUint32(4);
  return String.fromCharCode(
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
