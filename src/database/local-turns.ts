/**
 * Lets the mutations of this process run one after another on a storage that does not see to it itself, as long as they need not
 * wait for it: each then sees what the one before has handed over, and they do not refuse each other. One that waits lets the
 * next begin.
 */
import type {
  Entry,
  KeyRange,
  MaybePromise,
  ScanOptions,
  StorageReader,
  Version,
} from "../storage/storage.js";

export class LocalTurns {
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  /** Whether somebody waits for a turn. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves with a turn. @param isAgain Whether it goes before all who have not run yet. */
  async enter(isAgain: boolean): Promise<Turn> {
    if (this.#isTaken) {
      await new Promise<void>((resolve) => {
        if (isAgain) this.#waiting.unshift(resolve);
        else this.#waiting.push(resolve);
      });
    }
    this.#isTaken = true;
    return new Turn(() => this.#next());
  }

  /** The turn stays taken while it goes from one to the next. */
  #next(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#isTaken = false;
    else next();
  }
}

export class Turn {
  readonly #next: () => void;
  #isOver = false;

  constructor(next: () => void) {
    this.#next = next;
  }

  /** Lets the next one begin. Idempotent. */
  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#next();
  }

  /** The reader, which ends the turn as soon as it has to be waited for. */
  readerOf(storage: StorageReader): StorageReader {
    return new LeavingReader(storage, this);
  }
}

class LeavingReader implements StorageReader {
  readonly version: Version;
  readonly #storage: StorageReader;
  readonly #turn: Turn;

  constructor(storage: StorageReader, turn: Turn) {
    this.version = storage.version;
    this.#storage = storage;
    this.#turn = turn;
  }

  get(key: string): MaybePromise<string | undefined> {
    return this.#leave(this.#storage.get(key));
  }

  getMany(keys: readonly string[]): MaybePromise<(string | undefined)[]> {
    return this.#leave(this.#storage.getMany(keys));
  }

  scan(range: KeyRange, options?: ScanOptions): MaybePromise<Entry[]> {
    return this.#leave(this.#storage.scan(range, options));
  }

  #leave<T>(found: MaybePromise<T>): MaybePromise<T> {
    if (found instanceof Promise) this.#turn.leave();
    return found;
  }
}
