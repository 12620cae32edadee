/**
 * Where an item stands: its key, then its id, which tells items with equal keys apart. Positions compare by their
 * encoded order, a string that is made when it is first needed and then kept.
 */
import { CommitTsPlaceholder, type Value } from "convex/values";
import { encodeKey, valueSize } from "../../../values/index.js";

/** How int64's largest value, which stands in for an unresolved commit timestamp, appears in an encoded key. */
const UNRESOLVED_CODE: string = encodeKey([2n ** 63n - 1n]);

/** A key and an id, in the order of Convex values. */
export class Position {
  readonly key: Value;
  readonly id: string;
  private encoded: string | undefined;
  private size: number | undefined;

  constructor(key: Value, id: string) {
    this.key = key;
    this.id = id;
  }

  /** Positions stand in the order of these strings under `<`. */
  get order(): string {
    return (this.encoded ??= encodeKey([this.key, this.id]));
  }

  /** Bytes that it takes up in a document. */
  get sizeBytes(): number {
    return (this.size ??= valueSize(this.key) + valueSize(this.id));
  }

  /**
   * True when the key holds a commit timestamp that is known only after the commit: until then it sorts above every
   * existing one, and its final encoding is unknown.
   */
  get isUnresolved(): boolean {
    return this.order.includes(UNRESOLVED_CODE) && holdsPlaceholder(this.key);
  }
}

/** The position that no other one precedes: null is the smallest key, "" the smallest id. */
export const LOWEST: Position = new Position(null, "");

function holdsPlaceholder(value: Value | undefined): boolean {
  if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return false;
  if (value instanceof CommitTsPlaceholder) return true;
  return (Array.isArray(value) ? value : Object.values(value)).some(holdsPlaceholder);
}
