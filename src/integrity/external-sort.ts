/**
 * Sorts any number of texts within bounded memory. What comes in is sorted in small pieces, so that no call takes long. When the
 * pieces take up too much memory they are merged into a run in a file; in the end, runs and pieces are merged into one
 * stream. Texts consist of chars up to U+00FF. The file has no name from the start on, so it goes with the process.
 */
import { MergedTexts, type SortedTexts } from "./merged-texts.js";
import { SpillFile } from "./spill-file.js";

/** A piece of this size is sorted in a millisecond or two. */
const pieceSize = 2048;
/** Texts take up at most this much memory before they go to the file. */
const defaultMemoryBytes = 64 << 20;
/** What a text takes up beside its chars, with its place in a list. */
const overheadBytes = 64;
/** How many texts go to the file, or come out of it, at once. */
const blockSize = 2048;

export class ExternalSort {
  readonly #memoryBytes: number;
  readonly #turn: () => Promise<void>;
  #piece: string[] = [];
  #pieces: string[][] = [];
  #bytes = 0;
  readonly #file = new SpillFile();

  /** @param turn Called between two parts of the work, each of which takes a few milliseconds. */
  constructor(turn: () => Promise<void>, memoryBytes: number = defaultMemoryBytes) {
    this.#turn = turn;
    this.#memoryBytes = memoryBytes;
  }

  /** Takes texts up. Resolves later only when something goes to the file. */
  add(texts: readonly string[]): Promise<void> | undefined {
    for (const text of texts) {
      this.#piece.push(text);
      this.#bytes += text.length + overheadBytes;
      if (this.#piece.length === pieceSize) this.#endPiece();
    }
    return this.#bytes > this.#memoryBytes ? this.#spill() : undefined;
  }

  /** All texts in order. Nothing may be added any more. */
  async sorted(): Promise<MergedTexts> {
    this.#endPiece();
    const runs = await this.#file.runs();
    return new MergedTexts([...runs, ...this.#takePieces()]);
  }

  /** Gives the file back. Idempotent. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  #endPiece(): void {
    if (this.#piece.length === 0) return;
    this.#pieces.push(this.#piece.sort());
    this.#piece = [];
  }

  #takePieces(): SortedTexts[] {
    const pieces = this.#pieces.map((texts): SortedTexts => ({ texts, more: () => undefined }));
    this.#pieces = [];
    this.#bytes = 0;
    return pieces;
  }

  async #spill(): Promise<void> {
    this.#endPiece();
    const merged = new MergedTexts(this.#takePieces());
    const run = await this.#file.beginRun();
    for (;;) {
      const texts = await merged.take(blockSize, Infinity);
      if (texts.length === 0) break;
      await run.append(texts);
      await this.#turn();
    }
  }
}
