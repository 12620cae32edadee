/**
 * Moves the log into the data file when it has grown long enough, in a thread of its own, while commits go on. What is left then
 * is moved in a turn in which nobody writes, because the log begins anew only when a COMMIT finds that all of it was moved and
 * that no snapshot from before reads it; as long as one does, the log grows on, up to a limit.
 */
import { TrueupError } from "../../errors/index.js";
import { CheckpointFailure, type LogMover } from "./checkpoint-worker.js";
import type { CommitLog } from "./file/commit-log.js";

/** A checkpoint after so many pages of log, 20 MB: rarer ones make commits faster, and reads slower until then. */
const dueFrames = 2500;
/** One that could not move everything, because a snapshot was read, is tried again after so many more. */
const retryFrames: number = dueFrames / 4;
/** For the last so many frames writers wait. */
const fewFrames = 500;
/** So often what has come meanwhile is moved beside writers, too. */
const maxPasses = 3;
/** They wait sooner when the log is so long, so that they cannot outrun what moves it. */
const heldFrames: number = 4 * dueFrames;
/** 512 MiB: snapshots of older versions are let go before their time. */
const longFrames = 65_536;
/** 1 GiB: nothing more is committed when moving has failed. */
const maxFrames = 131_072;
/** How often to look how long the log is. */
const lookMs = 5;

export interface CheckpointHooks {
  /** Starts the thread that moves the log. */
  startMover(): Promise<LogMover>;
  /** The same on the event loop, outside of transactions, where there can be no thread. */
  moveNow(): void;
  /**
   * Runs it in a turn of its own, in which nobody writes, everything is flushed, and the connection that writes reads nothing.
   * Rejects when that cannot be.
   */
  inTurn(run: () => Promise<void>): Promise<void>;
  /** Lets snapshots of older versions go. */
  endOldSnapshots(): void;
}

export class Checkpoints {
  readonly #log: CommitLog;
  readonly #hooks: CheckpointHooks;
  /** Null where there can be no thread. */
  #mover: Promise<LogMover | null> | undefined;
  #running: Promise<void> | undefined;
  /** Called when the log becomes so long that writers wait. */
  #hold: () => void = () => {};
  #isHeld = false;
  #dueAtFrames = dueFrames;
  #framesSeen = 0;
  #lookedMs = -Infinity;
  #failure: CheckpointFailure | undefined;
  #isClosed = false;

  constructor(log: CommitLog, hooks: CheckpointHooks) {
    this.#log = log;
    this.#hooks = hooks;
  }

  /** Whether the log is being moved. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** To be called after each commit. Begins what is due, and does not wait for it. */
  consider(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs < lookMs) return;
    this.#lookedMs = nowMs;
    const { frames } = this.#log;
    if (frames < this.#framesSeen) this.#dueAtFrames = dueFrames;
    this.#framesSeen = frames;
    if (frames >= longFrames) this.#hooks.endOldSnapshots();
    if (frames >= heldFrames) this.#hold();
    if (frames < this.#dueAtFrames || this.#running !== undefined) return;
    if (this.#isClosed || this.#failure?.isFinal === true) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      this.#dueAtFrames = this.#log.frames + retryFrames;
    });
  }

  /** @throws STORAGE_UNAVAILABLE when the log has become too long and cannot be moved */
  assertMayGrow(): void {
    if (this.#failure === undefined || this.#framesSeen < maxFrames) return;
    const reason = this.#failure.message;
    throw new TrueupError(
      "STORAGE_UNAVAILABLE",
      `The log has ${this.#framesSeen} pages and cannot be moved into the data file (${reason}).`,
      { reason },
      this.#failure,
    );
  }

  /** Waits for what is being moved, and ends the thread. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#hold();
    await this.#running;
    await (await this.#mover)?.close();
  }

  /** Never rejects: what could not be moved is still in the log. */
  async #run(): Promise<void> {
    this.#mover ??= this.#hooks.startMover().catch(() => null);
    const mover = await this.#mover;
    this.#isHeld = false;
    const held = new Promise<void>((resolve) => {
      this.#hold = () => {
        this.#isHeld = true;
        resolve();
      };
    });
    const moved = mover === null ? Promise.resolve() : this.#moveBeside(mover);
    try {
      await Promise.race([moved, held]);
      if (this.#isClosed) return await moved;
      await this.#hooks.inTurn(async () => {
        await moved;
        if (mover === null) this.#hooks.moveNow();
        else await mover.move();
      });
      this.#failure = undefined;
    } catch (error) {
      if (error instanceof CheckpointFailure) this.#failure = error;
    } finally {
      await moved.catch(() => {});
    }
  }

  /** Moves what is there, and what comes meanwhile, until little is left. */
  async #moveBeside(mover: LogMover): Promise<void> {
    for (let pass = 0; pass < maxPasses && !this.#isHeld; pass++) {
      const { moved } = await mover.move();
      // The last move would wait for all of it, and writers with it.
      await this.#log.flushData();
      if (this.#log.frames - moved <= fewFrames) return;
    }
  }
}
