/**
 * Where an item stands: its key, then its id, which tells items with equal keys apart. Positions compare by their
 * encoded order, a string that is made when it is first needed and then kept.
 */
import { CommitTsPlaceholder, ConvexError, type Value } from "convex/values";
import { decodeKey, encodeKey, valueSize } from "../../../values/index.js";

/** How int64's largest value, which stands in for an unresolved commit timestamp, appears in an encoded key. */
const unresolvedCode: string = encodeKey([2n ** 63n - 1n]);

/** What key and order have in common where the key takes the most room: an int64, a byte there, is nine in a document. */
const maxBytesPerChar = 9;

/** A key and an id, in the order of Convex values. */
export class Position {
  #keyIfKnown: Value | undefined;
  #idIfKnown: string | undefined;
  #encoded: string | undefined;
  #size: number | undefined;
  #isUnresolved: boolean | undefined;
  /** Whatever the store of nodes makes of the order, kept for the next time. */
  memo: string | undefined;

  constructor(key: Value, id: string) {
    this.#keyIfKnown = key;
    this.#idIfKnown = id;
    this.#encoded = undefined;
    this.#size = undefined;
    this.memo = undefined;
  }

  /** A position by its order: key and id are looked into when somebody asks. */
  static ofOrder(order: string): Position {
    const position = new Position(null, "");
    position.#keyIfKnown = undefined;
    position.#idIfKnown = undefined;
    position.#encoded = order;
    return position;
  }

  /** @throws TREE_DAMAGED when the order it was made of is none. */
  get key(): Value {
    if (this.#keyIfKnown === undefined) this.#decode();
    return this.#keyIfKnown as Value;
  }

  /** @throws TREE_DAMAGED when the order it was made of is none. */
  get id(): string {
    if (this.#idIfKnown === undefined) this.#decode();
    return this.#idIfKnown as string;
  }

  /** Positions stand in the order of these strings under `<`. */
  get order(): string {
    return (this.#encoded ??= encodeKey([this.key, this.id]));
  }

  /** Bytes that it takes up in a document. */
  get sizeBytes(): number {
    return (this.#size ??= valueSize(this.key) + valueSize(this.id));
  }

  /** No less than `sizeBytes`, and quick to tell. */
  get sizeBound(): number {
    return this.#size ?? this.order.length * maxBytesPerChar;
  }

  /**
   * True when the key holds a commit timestamp that is known only after the commit: until then it sorts above every
   * existing one, and its final encoding is unknown.
   */
  get isUnresolved(): boolean {
    return (this.#isUnresolved ??= this.order.includes(unresolvedCode) && holdsPlaceholder(this.key));
  }

  #decode(): void {
    const [key, id, ...rest] = decoded(this.#encoded ?? "");
    if (key === undefined || typeof id !== "string" || rest.length > 0) throw damaged();
    this.#keyIfKnown = key;
    this.#idIfKnown = id;
  }
}

/** The position that no other one precedes: null is the smallest key, "" the smallest id. */
export const lowestPosition: Position = new Position(null, "");

function holdsPlaceholder(value: Value | undefined): boolean {
  if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return false;
  if (value instanceof CommitTsPlaceholder) return true;
  return (Array.isArray(value) ? value : Object.values(value)).some(holdsPlaceholder);
}

function decoded(order: string): (Value | undefined)[] {
  try {
    return decodeKey(order);
  } catch {
    throw damaged();
  }
}

function damaged(): Error {
  const message = "A node of the aggregate holds what is no key and id.";
  return new ConvexError({ code: "TREE_DAMAGED", message });
}
