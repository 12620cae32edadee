/**
 * A log whose flushes a test delays and makes fail, and which remembers what they put on disk: the bytes of the log when the
 * last flush that succeeded began, and those that SQLite flushes itself before it moves them into the data file. From
 * these, and the data file, `crash` makes what a machine that goes down leaves.
 */
import { copyFileSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { endianness } from "node:os";
import { type CommitLog, openLog } from "../../src/storage/sqlite/file/commit-log.js";

const headerBytes = 32;
const frameHeaderBytes = 24;
/** Of the log's index: how many frames SQLite moves into the data file, or has moved, once it has flushed them. */
const movingOffset = 128;
/** What a disk writes whole. */
const sectorBytes = 512;

export class RecordedLog {
  /** How often the log was flushed, or tried to be. */
  flushes = 0;
  /** What the next flushes fail with. */
  failure: Error | undefined;
  /** Awaited before a flush beside the event loop ends. */
  delay: () => Promise<void> = () => Promise.resolve();
  /** How long a flush that blocks the event loop takes; while it is 100 or so, all others leave the loop free. */
  blockingMs = 0;
  /** As if the log were so many times as long: checkpoints come sooner. */
  stretch = 1;
  #path = "";
  #flushed: Buffer = Buffer.alloc(0);

  /** To be given to `openSqlite`. */
  readonly open = (path: string): CommitLog => {
    const log = openLog(path);
    const frames = (): number => log.frames * this.stretch;
    this.#path = path;
    return {
      get frames() {
        return frames();
      },
      flush: async () => {
        const bytes = this.#begin();
        await this.delay();
        this.#end(bytes);
      },
      flushNow: () => {
        const bytes = this.#begin();
        const endMs = performance.now() + this.blockingMs;
        while (performance.now() < endMs);
        this.#end(bytes);
      },
      flushData: () => log.flushData(),
      close: () => {
        log.close();
      },
    };
  };

  /**
   * Makes a data file and a log of what is on disk now, the log's index lost. Of what was written to the log and not flushed
   * each sector is there when `isWritten` says so.
   */
  crash(copy: string, isWritten: () => boolean): void {
    copyFileSync(this.#path, copy);
    const written = readFileSync(`${this.#path}-wal`);
    this.#noteMoving(written);
    const log = Buffer.alloc(Math.max(written.length, this.#flushed.length));
    this.#flushed.copy(log);
    let length = this.#flushed.length;
    for (let start = 0; start < written.length; start += sectorBytes) {
      const sector = written.subarray(start, start + sectorBytes);
      if (sector.equals(this.#flushed.subarray(start, start + sectorBytes)) || !isWritten()) continue;
      sector.copy(log, start);
      length = Math.max(length, start + sector.length);
    }
    // When a log begins anew, SQLite itself flushes its header before it writes a frame.
    written.copy(log, 0, 0, headerBytes);
    writeFileSync(`${copy}-wal`, log.subarray(0, length));
    // Older than the machine's last start.
    utimesSync(`${copy}-wal`, 1, 1);
  }

  #noteMoving(written: Buffer): void {
    const index = readFileSync(`${this.#path}-shm`);
    const moving =
      endianness() === "LE" ? index.readUInt32LE(movingOffset) : index.readUInt32BE(movingOffset);
    const bytes = headerBytes + moving * (frameHeaderBytes + written.readUInt32BE(8));
    this.#flushed = Buffer.concat([written.subarray(0, bytes), this.#flushed.subarray(bytes)]);
  }

  #begin(): Buffer {
    this.flushes++;
    return readFileSync(`${this.#path}-wal`);
  }

  #end(bytes: Buffer): void {
    if (this.failure !== undefined) throw this.failure;
    this.#flushed = bytes;
  }
}
