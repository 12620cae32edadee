/**
 * Moves the data of a deployment from one place to another, whole or not at all, while nobody has it open:
 * 1. all entries are copied in the order of keys, and read back from where they are now: counts and checksums must agree;
 * 2. the place that they came from is marked as moved, so that nobody opens it any more;
 * 3. the copy is put in place at once.
 * A process that dies before 2 leaves everything as it was. One that dies between 2 and 3 leaves data that says where it was to
 * go: the same move again, or `undoMove`, goes on from there. At no time can both places be opened.
 */
import { createHash, type Hash } from "node:crypto";
import { TrueupError } from "../errors/index.js";
import type { DataFill, DataPlace, HeldData } from "../storage/place.js";
import type { Entry, Version } from "../storage/storage.js";

export interface MoveProgress {
  readonly step: "copying" | "reading back";
  readonly entries: number;
  /** Of all entries, once that is known. */
  readonly total: number | null;
}

/** What entries come to. */
interface Contents {
  readonly entries: number;
  /** Of keys and values together, in UTF-8. */
  readonly bytes: number;
  /** SHA-256 over all keys and values in their order, in hexadecimal. */
  readonly sha256: string;
}

/** What was moved: the same on both sides. */
export interface MoveReport extends Contents {
  readonly from: string;
  readonly to: string;
  readonly version: Version;
}

export interface MoveOptions {
  readonly onProgress?: (progress: MoveProgress) => void;
}

/** Counts and checksum of entries in their order. */
class Digest {
  entries = 0;
  bytes = 0;
  readonly #hash: Hash = createHash("sha256");

  add(entries: readonly Entry[]): void {
    for (const entry of entries) {
      for (const text of entry) {
        const bytes = Buffer.from(text);
        this.bytes += bytes.length;
        this.#hash.update(`${bytes.length}:`).update(bytes);
      }
    }
    this.entries += entries.length;
  }

  end(): Contents {
    return { entries: this.entries, bytes: this.bytes, sha256: this.#hash.digest("hex") };
  }
}

async function digestOf(
  entries: AsyncIterable<readonly Entry[]>,
  told: (entries: number) => void,
): Promise<Contents> {
  const digest = new Digest();
  for await (const batch of entries) {
    digest.add(batch);
    told(digest.entries);
  }
  return digest.end();
}

/**
 * Moves data. O(entries); memory does not grow with them.
 * @throws what `DataPlace` says; STORAGE_UNAVAILABLE when there is no data; STORAGE_MOVED when the data was moved elsewhere
 *   before; STORAGE_CORRUPT when what is read back is not what was written, and nothing has changed then
 */
export async function moveData(
  from: DataPlace,
  to: DataPlace,
  { onProgress = () => {} }: MoveOptions = {},
): Promise<MoveReport> {
  const source = await heldSource(from);
  try {
    if (source.movedTo !== null && source.movedTo !== to.name) throw movedElsewhere(from, source.movedTo);
    const arrived = source.movedTo === null ? null : await arrivedBefore(source, to, onProgress);
    const copied = arrived ?? (await copy(source, to, onProgress));
    return { from: from.name, to: to.name, version: source.version, ...copied };
  } finally {
    await source.letGo();
  }
}

async function copy(
  source: HeldData,
  to: DataPlace,
  onProgress: (progress: MoveProgress) => void,
): Promise<Contents> {
  const fill = await to.fill(source.version);
  try {
    const written = new Digest();
    for await (const entries of source.entries()) {
      await fill.add(entries);
      written.add(entries);
      onProgress({ step: "copying", entries: written.entries, total: null });
    }
    const copied = written.end();
    const read = await digestOf(fill.entries(), (entries) =>
      onProgress({ step: "reading back", entries, total: copied.entries }),
    );
    assertSame(copied, read, to);
    await putInPlace(source, fill, to);
    return copied;
  } catch (error) {
    await fill.abandon();
    throw error;
  }
}

/** What fails here leaves the mark: whether the copy is in place cannot be told, and the same move again finds out. */
async function putInPlace(source: HeldData, fill: DataFill, to: DataPlace): Promise<void> {
  await source.markMoved(to.name);
  await fill.finish();
}

/** A move that died between its last two steps may have put the copy in place; null when it has not. */
async function arrivedBefore(
  source: HeldData,
  to: DataPlace,
  onProgress: (progress: MoveProgress) => void,
): Promise<Contents | null> {
  const target = await to.hold();
  if (target === null) return null;
  try {
    assertUntouched(source, target, to);
    const copied = await digestOf(source.entries(), (entries) =>
      onProgress({ step: "copying", entries, total: null }),
    );
    const read = await digestOf(target.entries(), (entries) =>
      onProgress({ step: "reading back", entries, total: copied.entries }),
    );
    assertSame(copied, read, to);
    return copied;
  } finally {
    await target.letGo();
  }
}

/**
 * Takes a move back: deletes the copy, and lets the data be opened where it was. What is read there is what was moved, so nothing
 * is lost.
 * @throws STORAGE_NOT_EMPTY when something was written to the copy since; STORAGE_MOVED when the data was moved to another place
 */
export async function undoMove(from: DataPlace, to: DataPlace): Promise<void> {
  const source = await heldSource(from);
  try {
    if (source.movedTo === null) return;
    if (source.movedTo !== to.name) throw movedElsewhere(from, source.movedTo);
    const target = await to.hold();
    if (target !== null) {
      try {
        assertUntouched(source, target, to);
      } catch (error) {
        await target.letGo();
        throw error;
      }
      await target.remove();
    }
    await source.markMoved(null);
  } finally {
    await source.letGo();
  }
}

async function heldSource(from: DataPlace): Promise<HeldData> {
  const source = await from.hold();
  if (source !== null) return source;
  throw new TrueupError("STORAGE_UNAVAILABLE", `There is no data at ${from.name}.`, { path: from.name });
}

function movedElsewhere(from: DataPlace, to: string): TrueupError {
  return new TrueupError("STORAGE_MOVED", `The data of ${from.name} was moved to ${to}, and goes on there.`, {
    path: from.name,
    to,
  });
}

function assertUntouched(source: HeldData, target: HeldData, { name }: DataPlace): void {
  if (target.version === source.version && target.movedTo === null) return;
  throw new TrueupError(
    "STORAGE_NOT_EMPTY",
    `Something was written to ${name} after the move, so it cannot be taken back: move it back instead.`,
    { path: name },
  );
}

function assertSame(written: Contents, read: Contents, { name }: DataPlace): void {
  if (written.entries === read.entries && written.sha256 === read.sha256) return;
  throw new TrueupError(
    "STORAGE_CORRUPT",
    `What was read back from ${name} is not what was written: ${read.entries} entries of ${written.entries}. Nothing was moved.`,
    { path: name, written: written.entries, read: read.entries },
  );
}
