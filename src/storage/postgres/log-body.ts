/**
 * What the log tells of a commit, packed: for each request of a batch what it wrote, added and touched. Stamps stand beside the
 * writes, because a request's timestamp is known only once its batch has its place.
 */
import { stampedWrites, stampOf } from "../commit-request.js";
import type { Add, Commit, CommitRequest, Stamp, Touched, Version } from "../storage.js";

/** Longer values are not told: who needs one reads it. */
const longestValue = 2048;

/** What follows a write's key. */
const kinds = { deleted: 0, told: 1, long: 2 } as const;

/** After it, nothing that was read before is known to be true. */
export const everythingChanged: Touched = { keys: [], prefixes: [""], isQuiet: false };

/** One request. Bodies one after another are the body of a batch. */
export function packRequest({ writes, stamps = [], adds = [] }: CommitRequest, touched: Touched): Buffer {
  const packer = new Packer();
  packer.number(touched.isQuiet ? 1 : 0);
  packer.number(writes.length);
  for (const [key, value] of writes) {
    packer.text(key, "latin1");
    if (value === undefined) {
      packer.number(kinds.deleted);
    } else if (value.length > longestValue) {
      packer.number(kinds.long);
    } else {
      packer.number(kinds.told);
      packer.text(value, "utf8");
    }
  }
  packer.number(stamps.length);
  for (const { write, part, offset } of stamps) {
    packer.number(write);
    packer.number(part === "key" ? 0 : 1);
    packer.number(offset);
  }
  packer.number(adds.length);
  for (const [key, by] of adds) {
    packer.text(key, "latin1");
    packer.text(by.join(","), "latin1");
  }
  for (const texts of [touched.keys, touched.prefixes]) {
    packer.number(texts.length);
    for (const text of texts) packer.text(text, "latin1");
  }
  return packer.bytes();
}

/** The commits of a batch by others, in their order. @param first The version of the first; each has its own. */
export function unpackCommits(body: Buffer, first: Version): Commit[] {
  const unpacker = new Unpacker(body);
  const commits: Commit[] = [];
  while (!unpacker.isAtEnd) {
    const version = first + commits.length;
    const isQuiet = unpacker.number() === 1;
    const writes = unpacker.times((): Commit["writes"][number] => {
      const key = unpacker.text("latin1");
      const kind = unpacker.number();
      if (kind === kinds.told) return [key, unpacker.text("utf8")];
      return [key, kind === kinds.long ? null : undefined];
    });
    const stamps = unpacker.times((): Stamp => ({
      write: unpacker.number(),
      part: unpacker.number() === 0 ? "key" : "value",
      offset: unpacker.number(),
    }));
    const adds = unpacker.times((): Add => [unpacker.text("latin1"), readNumbers(unpacker.text("latin1"))]);
    const keys = unpacker.times(() => unpacker.text("latin1"));
    const prefixes = unpacker.times(() => unpacker.text("latin1"));
    const touched: Touched = { keys, prefixes, isQuiet };
    commits.push({
      version,
      isOwn: false,
      writes: stamped(writes, stamps, version),
      adds,
      touched: () => touched,
    });
  }
  return commits;
}

function readNumbers(text: string): number[] {
  return text === "" ? [] : text.split(",").map(Number);
}

function stamped(writes: Commit["writes"], stamps: readonly Stamp[], version: Version): Commit["writes"] {
  if (stamps.length === 0) return writes;
  const told = writes.map(([key, value]) => [key, value ?? undefined] as const);
  const filled = stampedWrites({ writes: told, stamps }, () => stampOf(version));
  return filled.map(([key, value], at) => (writes[at]?.[1] === null ? [key, null] : [key, value]));
}

class Packer {
  #bytes = Buffer.allocUnsafe(1024);
  #end = 0;

  /** A whole number, seven bits a byte, the lowest first. */
  number(value: number): void {
    this.#reserve(8);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#bytes[this.#end++] = (rest % 0x80) + 0x80;
    this.#bytes[this.#end++] = rest;
  }

  text(text: string, encoding: "latin1" | "utf8"): void {
    const length = encoding === "latin1" ? text.length : Buffer.byteLength(text);
    this.number(length);
    this.#reserve(length);
    this.#end += this.#bytes.write(text, this.#end, encoding);
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#end + count));
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }
}

class Unpacker {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte % 0x80) * factor;
      if (byte < 0x80) return value;
    }
  }

  text(encoding: "latin1" | "utf8"): string {
    const length = this.number();
    this.#at += length;
    return this.#bytes.toString(encoding, this.#at - length, this.#at);
  }

  /** As many as the number says that comes next. */
  times<T>(read: () => T): T[] {
    return Array.from({ length: this.number() }, read);
  }
}
