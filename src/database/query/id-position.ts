/**
 * Where any value would stand among the ids of a table. Ids are stored by their 16 inner bytes, while a
 * range of `by_id` may be bounded by whatever value the caller has: an id of another table, half an id, a number.
 */
import type { Value } from "convex/values";
import { compareValues, decodeId, encodeId } from "../../values/index.js";
import { internalIdLength } from "../catalog/key-layout.js";

/** As key chars after the table's prefix: null stands for the end. */
export interface IdPosition {
  /** The first id that is not below the value. */
  readonly from: string | null;
  /** The first id that is above the value. */
  readonly after: string | null;
}

/** O(1): at most 128 ids are encoded, and only for a string that is no id of the table. */
export function idPosition(tableNumber: number, value: Value | undefined): IdPosition {
  if (typeof value !== "string") {
    const place = compareValues(value, "") < 0 ? "" : null;
    return { from: place, after: place };
  }
  const decoded = decodeId(value);
  if (decoded?.tableNumber === tableNumber) {
    const { internalId } = decoded;
    return { from: internalId, after: `${internalId}\x00` };
  }
  const place = firstAbove(tableNumber, value);
  return { from: place, after: place };
}

/** The place right after the greatest inner id whose id is below `text`, found bit by bit. */
function firstAbove(tableNumber: number, text: string): string | null {
  const bytes = Array.from({ length: internalIdLength }, () => 0);
  const id = (): string => encodeId(tableNumber, String.fromCharCode(...bytes));
  // Plain comparison is the order of UTF-8 here: one side is ASCII.
  if (!(id() < text)) return "";
  for (let at = 0; at < internalIdLength; at++) {
    for (let bit = 0x80; bit > 0; bit >>= 1) {
      const before = bytes[at] ?? 0;
      bytes[at] = before | bit;
      if (!(id() < text)) bytes[at] = before;
    }
  }
  if (bytes.every((byte) => byte === 0xff)) return null;
  return `${String.fromCharCode(...bytes)}\x00`;
}
