/**
 * Where an item stands: its key, then its id, which tells items with equal keys apart. Positions compare by their
 * encoded order, a string that is made when it is first needed and then kept.
 */
import { CommitTsPlaceholder, ConvexError, type Value } from "convex/values";
import { decodeKey, encodeKey, valueSize } from "../../../values/index.js";

/** The encoding of the largest int64, which stands for a commit timestamp that is not known yet. */
const unresolvedCode: string = encodeKey([2n ** 63n - 1n]);

/** The most bytes of a document that one char of the order stands for: an int64 takes a char there, and nine bytes here. */
const maxBytesPerChar = 9;

/** A key and an id, in the order of Convex values. */
export class Position {
  #keyIfKnown: Value | undefined;
  #idIfKnown: string | undefined;
  #encoded: string | undefined;
  #size: number | undefined;
  #isUnresolved: boolean | undefined;
  /** What the store of nodes has made of the order, kept for the next time. */
  memo: string | undefined;

  constructor(key: Value, id: string) {
    this.#keyIfKnown = key;
    this.#idIfKnown = id;
    this.#encoded = undefined;
    this.#size = undefined;
    this.memo = undefined;
  }

  /** A position by its order. Key and id are decoded when they are first asked for. */
  static ofOrder(order: string): Position {
    const position = new Position(null, "");
    position.#keyIfKnown = undefined;
    position.#idIfKnown = undefined;
    position.#encoded = order;
    return position;
  }

  /** @throws TREE_DAMAGED when it was made of a text that is no order. */
  get key(): Value {
    if (this.#keyIfKnown === undefined) this.#decode();
    return this.#keyIfKnown as Value;
  }

  /** @throws TREE_DAMAGED when it was made of a text that is no order. */
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

/** The lowest of all positions: null is the smallest key, "" the smallest id. */
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
