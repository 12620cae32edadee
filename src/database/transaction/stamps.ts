/**
 * Commit timestamps: documents that wait for the timestamp of their commit are written with a number in its place that nobody
 * else has, and what is written of them is searched for it. The storage puts the timestamp where it was found.
 */
import { CommitTsPlaceholder, type Value } from "convex/values";
import type { Stamp } from "../../storage/storage.js";
import { encodeKey, stringifyValue } from "../../values/index.js";
import { prepareDocument } from "../documents/prepare-document.js";
import type { StoredDocument } from "../documents/stored-document.js";

// Taken at import: transforms get other globals.
const crypto = globalThis.crypto;

/** Integers from here on take eight bytes in keys, as timestamps do. */
const leastMark = 2n ** 62n;

export class StampMark {
  readonly #value: bigint;
  readonly #inKeys: string;
  readonly #inValues: string;

  constructor() {
    const [random = 0n] = crypto.getRandomValues(new BigUint64Array(1));
    this.#value = leastMark + (random & (leastMark - 1n));
    // In keys the timestamp stands behind the tag of integers of this size.
    this.#inKeys = encodeKey([this.#value]).slice(1);
    const { mark } = JSON.parse(stringifyValue({ mark: this.#value })) as { mark: { $integer: string } };
    this.#inValues = mark.$integer;
  }

  /** The document with the mark wherever it waits for the timestamp. O(size). */
  fill({ document, shape }: StoredDocument): StoredDocument {
    const fields: Record<string, Value | undefined> = {};
    for (const [name, value] of Object.entries(document)) {
      if (value !== undefined && !name.startsWith("_")) fields[name] = this.#fill(value);
    }
    return prepareDocument(fields, document._id, document._creationTime, shape);
  }

  #fill(value: Value): Value {
    if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return value;
    if (value instanceof CommitTsPlaceholder) return this.#value;
    if (Array.isArray(value)) return value.map((item) => this.#fill(item));
    const entries = Object.entries(value).map(([name, field]): [string, Value | undefined] => [
      name,
      field === undefined ? undefined : this.#fill(field),
    ]);
    return Object.fromEntries(entries);
  }

  /** Where the mark stands in a write. O(length). */
  *placesIn(write: number, key: string, value: string | undefined): Generator<Stamp> {
    for (const offset of placesOf(this.#inKeys, key)) yield { write, part: "key", offset };
    for (const offset of placesOf(this.#inValues, value ?? "")) yield { write, part: "value", offset };
  }
}

function* placesOf(part: string, text: string): Generator<number> {
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) yield at;
}
