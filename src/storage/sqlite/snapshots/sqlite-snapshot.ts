/** A snapshot of the SQLite storage: one use of a pin. */
import type { StorageSnapshot } from "../../storage.js";
import { CodedReader } from "../entry-reader.js";
import type { Pin } from "./pin.js";

export interface SnapshotHooks {
  /** Called once. */
  readonly release: (pin: Pin) => void;
  /** The coded error for one that the connection threw. */
  readonly translate: (error: unknown) => Error;
}

export class SqliteSnapshot extends CodedReader implements StorageSnapshot {
  readonly #release: () => void;

  constructor(pin: Pin, { release, translate }: SnapshotHooks) {
    let isReleased = false;
    super(
      pin.version,
      () => {
        if (isReleased) throw new Error("The snapshot was read after its release.");
        return pin.reader;
      },
      translate,
    );
    this.#release = () => {
      if (!isReleased) release(pin);
      isReleased = true;
    };
  }

  release(): void {
    this.#release();
  }
}
