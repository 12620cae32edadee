/**
 * Moves the log into the data file when it has grown long enough. The log begins anew, with few frames, when a COMMIT finds that
 * all of it was moved and that no snapshot reads it; as long as one does, it grows on.
 */
import type { SqliteConnection } from "./driver/driver.js";
import type { CommitLog } from "./file/commit-log.js";

/** A checkpoint after so many pages of log, 20 MB: rarer ones make commits faster, and reads slower until then. */
const dueFrames = 2500;
/** One that could not move everything, because a snapshot was read, is tried again after so many more. */
const retryFrames: number = dueFrames / 4;

export class Checkpoints {
  readonly #connection: SqliteConnection;
  readonly #log: CommitLog;
  #dueAtFrames = dueFrames;
  #framesSeen = 0;

  constructor(connection: SqliteConnection, log: CommitLog) {
    this.#connection = connection;
    this.#log = log;
  }

  /** To be asked before each COMMIT. */
  isDue(): boolean {
    const { frames } = this.#log;
    if (frames < this.#framesSeen) this.#dueAtFrames = dueFrames;
    this.#framesSeen = frames;
    return frames >= this.#dueAtFrames;
  }

  /** Moves as much as no snapshot holds back, outside of a transaction. Blocks the event loop. */
  run(): void {
    try {
      this.#connection.exec("PRAGMA wal_checkpoint(PASSIVE)");
    } catch {
      // The log still has everything, and is moved the next time.
    }
    this.#dueAtFrames = this.#log.frames + retryFrames;
  }
}
