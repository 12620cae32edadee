/**
 * Writes Convex values as TypeScript source on one line. Where the length has a limit, the text is cut while it is written, so
 * that a megabyte of a document never becomes a megabyte of a message.
 */
import { CommitTsPlaceholder } from "convex/values";
import { isPlainObject } from "../../values/index.js";
import { isBytes } from "../validation/value-kind.js";

/**
 * A value as source text, fields sorted by name; `undefined` fields are left out.
 * @param maxLength Characters; a longer text ends in "…".
 */
export function valueText(value: unknown, maxLength: number = Infinity): string {
  const line = new LineWriter(maxLength);
  writeValue(line, value);
  return line.text();
}

/** A property name as source, in quotes only where it needs them. */
export function propertyName(name: string): string {
  // Without brackets it would set the prototype.
  if (name === "__proto__") return `["__proto__"]`;
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name);
}

function writeValue(line: LineWriter, value: unknown): void {
  if (line.full) return;
  if (Array.isArray(value)) {
    line.list("[", "]", value, (item) => writeValue(line, item));
  } else if (isPlainObject(value)) {
    writeObject(line, value);
  } else {
    line.write(scalarText(value));
  }
}

function writeObject(line: LineWriter, value: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  line.list("{", "}", names.toSorted(), (name) => {
    line.write(`${propertyName(name)}: `);
    writeValue(line, value[name]);
  });
}

function scalarText(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (isBytes(value)) return `<${value.byteLength} bytes>`;
  if (value instanceof CommitTsPlaceholder) return "<commit timestamp>";
  if (typeof value === "function") return "<function>";
  if (typeof value === "object" && value !== null) return `<${value.constructor?.name ?? "object"}>`;
  return String(value);
}

/** Writes one line of source text up to a length. It drops what comes after and puts "…" in its place. */
export class LineWriter {
  readonly #maxLength: number;
  readonly #parts: string[] = [];
  #length = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Whether the line is full, so that nothing more will be shown. */
  get full(): boolean {
    return this.#length > this.#maxLength;
  }

  write(part: string): void {
    if (this.full) return;
    this.#parts.push(part);
    this.#length += part.length;
  }

  /** Writes items between brackets, separated by commas, until the line is full. */
  list<Item>(open: string, close: string, items: readonly Item[], writeItem: (item: Item) => void): void {
    this.write(open);
    for (let index = 0; index < items.length && !this.full; index++) {
      if (index > 0) this.write(", ");
      writeItem(items[index]!);
    }
    this.write(close);
  }

  text(): string {
    const text = this.#parts.join("");
    return this.full ? `${text.slice(0, Math.max(0, this.#maxLength - 1))}…` : text;
  }
}
