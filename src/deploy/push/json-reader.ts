/**
 * Reads the JSON of a request, and says which part of it is wrong. Requests come from the official CLI, so a
 * wrong part means another version of it or another program: the message names the place and what was expected.
 */
import { TrueupError } from "../../errors/index.js";

/** A JSON value with the place it was found at, `appDefinition.changedModules[3].path`. */
export class JsonReader {
  readonly #value: unknown;
  readonly #place: string;

  constructor(value: unknown, place = "") {
    this.#value = value;
    this.#place = place;
  }

  /** A field of an object; of a missing field, every reading but the optional ones throws. */
  field(name: string): JsonReader {
    if (!isObject(this.#value)) throw this.wrong("an object");
    return new JsonReader(this.#value[name], this.#place === "" ? name : `${this.#place}.${name}`);
  }

  /** The JSON itself. */
  get value(): unknown {
    return this.#value;
  }

  /** True when the field is left out or null. */
  get isAbsent(): boolean {
    return this.#value === undefined || this.#value === null;
  }

  string(): string {
    if (typeof this.#value !== "string") throw this.wrong("a string");
    return this.#value;
  }

  optionalString(): string | undefined {
    return this.isAbsent ? undefined : this.string();
  }

  /** False when left out. */
  boolean(): boolean {
    if (this.isAbsent) return false;
    if (typeof this.#value !== "boolean") throw this.wrong("true or false");
    return this.#value;
  }

  number(): number {
    if (typeof this.#value !== "number") throw this.wrong("a number");
    return this.#value;
  }

  /** The elements of an array. */
  list(): JsonReader[] {
    if (!Array.isArray(this.#value)) throw this.wrong("an array");
    return this.#value.map((element: unknown, index) => new JsonReader(element, `${this.#place}[${index}]`));
  }

  /** The error for a part that is not what it must be. */
  wrong(expected: string): TrueupError {
    const place = this.#place === "" ? "the request" : `\`${this.#place}\``;
    const message = `Malformed request: ${place} must be ${expected}, and is ${shown(this.#value)}.`;
    return new TrueupError("INVALID_REQUEST", message, { place: this.#place, expected });
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
