/**
 * Runs of sorted texts in one temporary file. A run is a chain of blocks: the number of texts, their lengths, and the texts
 * themselves, a byte for a char.
 */
import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SortedTexts } from "./merged-texts.js";

const wordBytes = 4;

/** Where a block lies. */
interface Block {
  readonly at: number;
  readonly bytes: number;
}

export class SpillFile {
  #file: FileHandle | null = null;
  #end = 0;
  readonly #runs: Block[][] = [];

  /** Begins another run, whose blocks follow those of the run before. */
  async beginRun(): Promise<{ append(texts: readonly string[]): Promise<void> }> {
    const file = (this.#file ??= await openNameless());
    const blocks: Block[] = [];
    this.#runs.push(blocks);
    return {
      append: async (texts) => {
        const block = blockOf(texts);
        await file.write(block, 0, block.length, this.#end);
        blocks.push({ at: this.#end, bytes: block.length });
        this.#end += block.length;
      },
    };
  }

  /** The first blocks of all runs. */
  async runs(): Promise<SortedTexts[]> {
    return await Promise.all(this.#runs.map(async (blocks) => await this.#read(blocks, 0)));
  }

  /** Gives the file back. Idempotent. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  async #read(blocks: readonly Block[], index: number): Promise<SortedTexts> {
    const block = blocks[index];
    if (block === undefined || this.#file === null) return { texts: [], more: () => undefined };
    const bytes = Buffer.allocUnsafe(block.bytes);
    const { bytesRead } = await this.#file.read(bytes, 0, block.bytes, block.at);
    if (bytesRead !== block.bytes) throw new Error("the file of sorted runs is shorter than it was");
    const isLast = index + 1 === blocks.length;
    return { texts: textsOf(bytes), more: () => (isLast ? undefined : this.#read(blocks, index + 1)) };
  }
}

/** A file that is gone from its folder while it is open. */
async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "trueup-sort-"));
  const file = await open(join(folder, "runs"), "w+");
  await rm(folder, { recursive: true, force: true });
  return file;
}

function blockOf(texts: readonly string[]): Buffer {
  const joined = texts.join("");
  const head = wordBytes * (1 + texts.length);
  const block = Buffer.allocUnsafe(head + joined.length);
  block.writeUInt32LE(texts.length, 0);
  texts.forEach((text, index) => block.writeUInt32LE(text.length, wordBytes * (1 + index)));
  block.write(joined, head, "latin1");
  return block;
}

function textsOf(block: Buffer): string[] {
  const count = block.readUInt32LE(0);
  const texts: string[] = [];
  let at = wordBytes * (1 + count);
  for (let index = 0; index < count; index++) {
    const end = at + block.readUInt32LE(wordBytes * (1 + index));
    texts.push(block.toString("latin1", at, end));
    at = end;
  }
  return texts;
}
