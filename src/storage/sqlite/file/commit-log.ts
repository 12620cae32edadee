/**
 * The log (`-wal`) as the acknowledgement of commits needs it: it is flushed through a descriptor of our own, which costs the
 * event loop nothing while a thread of Node's pool waits for the disk, and its length is read from its index (`-shm`). Both
 * descriptors are held until SQLite has closed the file, because closing any descriptor of the index drops the locks that
 * SQLite holds on it in this process. The format of the index: https://sqlite.org/walformat.html#the_wal_index_file_format.
 */
import { closeSync, fdatasync, fdatasyncSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { promisify } from "node:util";

const framesOffset = 16;
const flush = promisify(fdatasync);

/** What the writer of groups needs of the log. */
export interface CommitLog {
  /** How many frames the log has that count, each a page: it begins anew when all are in the data file. */
  readonly frames: number;
  /** Resolves when everything that was in the log at the call is on disk. Rejects when that cannot be told any more. */
  flush(): Promise<void>;
  /** The same, while the event loop stands still. */
  flushNow(): void;
  /** To be called after the last connection was closed. */
  close(): void;
}

/** Opens the log of a data file that is open. */
export type OpenLog = (path: string) => CommitLog;

/** The log on the file system: `fdatasync`, which on macOS is F_FULLFSYNC. */
export function openLog(path: string): CommitLog {
  // Windows flushes only what is open for writing.
  const log = openSync(`${path}-wal`, "r+");
  const index = openIndex(path, log);
  const number = new DataView(new ArrayBuffer(4));
  return {
    get frames() {
      readSync(index, number, 0, 4, framesOffset);
      return number.getUint32(0, endianness() === "LE");
    },
    flush: () => flush(log),
    flushNow: () => {
      fdatasyncSync(log);
    },
    close: () => {
      closeSync(log);
      closeSync(index);
    },
  };
}

function openIndex(path: string, log: number): number {
  try {
    return openSync(`${path}-shm`, "r");
  } catch (error) {
    closeSync(log);
    throw error;
  }
}
