/**
 * The log (`-wal`) as the acknowledgement of commits needs it: it is flushed through a descriptor of our own, which costs the
 * event loop nothing while a thread of Node's pool waits for the disk, and its length is read from its index (`-shm`). All
 * descriptors are held until SQLite has closed the file, because closing any descriptor of a file drops the locks that
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
  /** Brings to disk what was moved into the data file. It promises nothing: SQLite makes sure itself before it needs to. */
  flushData(): Promise<void>;
  /** To be called after the last connection was closed. */
  close(): void;
}

/** Opens the log of a data file that is open. */
export type OpenLog = (path: string) => CommitLog;

/** The log on the file system: `fdatasync`, which on macOS is F_FULLFSYNC. */
export function openLog(path: string): CommitLog {
  const [log, index, data] = openAll(path);
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
    flushData: () => flush(data).catch(() => {}),
    close: () => {
      for (const file of [log, index, data]) closeSync(file);
    },
  };
}

function openAll(path: string): [log: number, index: number, data: number] {
  const opened: number[] = [];
  // Windows flushes only what is open for writing.
  const open = (file: string, flags: string): number => {
    const descriptor = openSync(file, flags);
    opened.push(descriptor);
    return descriptor;
  };
  try {
    return [open(`${path}-wal`, "r+"), open(`${path}-shm`, "r"), open(path, "r+")];
  } catch (error) {
    for (const descriptor of opened) closeSync(descriptor);
    throw error;
  }
}
