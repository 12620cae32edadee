/**
 * Moves the log into the data file through a connection of its own, in a thread of its own, so that the event loop does not wait
 * for the disk meanwhile. SQLite flushes the log before it moves anything, and the data file when it has moved all of it.
 * Its locks hold between threads of one process as between processes.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { SqliteDriver } from "./driver/driver.js";

/** How far the log has been moved. */
export interface Moved {
  /** How many frames the log had that count. */
  readonly frames: number;
  /** Of these, so many are in the data file. */
  readonly moved: number;
}

/** Moves frames of the log into the data file. */
export interface LogMover {
  /** Moves what no snapshot holds back. Rejects with what SQLite throws. */
  move(): Promise<Moved>;
  /** To be called when nothing is being moved. */
  close(): Promise<void>;
}

/** SQLite could not move the log. */
export class CheckpointFailure extends Error {
  /** Not to be tried again: after an I/O error nobody can tell what is on disk. A full disk may get room. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean) {
    super(message);
    this.isFinal = isFinal;
  }
}

type Answer = Moved | { readonly reason: string; readonly isFull: boolean };

/** Text, because it has to run as it is wherever this package does: compiled, bundled, or as TypeScript in tests. */
const program = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { moduleName, path, settings } = workerData;
  const library = require(moduleName);
  const connection = new (library.DatabaseSync ?? library)(path);
  for (const setting of settings) connection.exec("PRAGMA " + setting);
  const checkpoint = connection.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  function move() {
    try {
      const { log, checkpointed } = checkpoint.get();
      return { frames: log, moved: checkpointed };
    } catch (error) {
      // The one of better-sqlite3 has a name, the one of node:sqlite a number.
      return { reason: error.message, isFull: error.code === "SQLITE_FULL" || (error.errcode & 255) === 13 };
    }
  }
  parentPort.on("message", (request) => {
    if (request === "move") {
      parentPort.postMessage(move());
    } else {
      connection.close();
      parentPort.close();
    }
  });
  parentPort.postMessage({ frames: 0, moved: 0 });
`;

/** Starts the thread, which keeps the process alive only while it moves something. Rejects when it cannot start. */
export async function startLogMover(
  { moduleName }: SqliteDriver,
  path: string,
  settings: readonly string[],
): Promise<LogMover> {
  const worker = new Worker(program, {
    eval: true,
    execArgv: [],
    workerData: { moduleName, path, settings },
  });
  const exited = once(worker, "exit").catch(() => {});
  const answered = async (): Promise<Moved> => {
    worker.ref();
    try {
      const ended = exited.then(() => [
        { reason: "The thread that moves the log has ended.", isFull: false },
      ]);
      const [answer] = (await Promise.race([once(worker, "message"), ended])) as [Answer];
      if ("reason" in answer) throw new CheckpointFailure(answer.reason, !answer.isFull);
      return answer;
    } finally {
      worker.unref();
    }
  };
  await answered();
  return {
    move: () => {
      worker.postMessage("move");
      return answered();
    },
    close: async () => {
      worker.ref();
      worker.postMessage("close");
      await exited;
    },
  };
}
