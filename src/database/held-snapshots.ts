/**
 * Versions that somebody may come back to for a while: a client asks for one, and then reads all that a page needs as of it.
 * A snapshot is held from the moment when somebody asks, by all who ask within the same version together, and for a bounded
 * number of versions, because the log of a storage cannot begin anew beneath a snapshot. A storage whose log has become too
 * long releases snapshots before their time, and their readers get SNAPSHOT_TOO_OLD. A storage that several processes share keeps
 * history instead, so a version that one of them has given can be read in each.
 */
import { isTrueupError, TrueupError } from "../errors/index.js";
import { catchUp, type Storage, type StorageSnapshot, type Version } from "../storage/storage.js";
import { currentClock } from "../work/index.js";

/** So long after somebody has asked for it, a version can be read. */
const heldMs = 30_000;
/** So many versions are held at once. One more takes the place of the one that was asked for or read longest ago. */
const maxHeld = 32;

interface Held {
  readonly snapshot: StorageSnapshot;
  readonly forget: () => void;
  /** Who reads it now. It is not released before they are done. */
  readers: number;
}

type HeldStorage = Pick<Storage, "version" | "latest" | "reached" | "snapshot" | "snapshotAt">;

export class HeldSnapshots {
  readonly #storage: HeldStorage;
  /** In the order of their last use. */
  readonly #held = new Map<Version, Held>();

  constructor(storage: HeldStorage) {
    this.#storage = storage;
  }

  /**
   * The version of the latest durable commit, which can be read from now on.
   * @throws STORAGE_CLOSED, STORAGE_UNAVAILABLE
   */
  async hold(): Promise<Version> {
    await catchUp(this.#storage);
    const snapshot = await this.#storage.snapshot();
    const { version } = snapshot;
    this.#drop(version);
    const forget = currentClock.after(heldMs, () => this.#drop(version));
    this.#held.set(version, { snapshot, forget, readers: 0 });
    const [oldest] = this.#held.keys();
    if (oldest !== undefined && this.#held.size > maxHeld) this.#drop(oldest);
    return version;
  }

  /**
   * Reads a version that is held, here or by whoever shares the storage. Rejects with what `read` throws.
   * @throws TIMESTAMP_NOT_HELD, STORAGE_UNAVAILABLE
   */
  async read<T>(version: Version, read: (snapshot: StorageSnapshot) => Promise<T>): Promise<T> {
    const held = this.#held.get(version);
    if (held === undefined) return await this.#readHistory(version, read);
    this.#held.delete(version);
    this.#held.set(version, held);
    held.readers += 1;
    try {
      return await read(held.snapshot);
    } finally {
      held.readers -= 1;
      this.#releaseUnused(version, held);
    }
  }

  async #readHistory<T>(version: Version, read: (snapshot: StorageSnapshot) => Promise<T>): Promise<T> {
    const snapshot = await this.#open(version);
    try {
      return await read(snapshot);
    } finally {
      snapshot.release();
    }
  }

  async #open(version: Version): Promise<StorageSnapshot> {
    await this.#storage.reached(version);
    // One that no commit has yet is none that anybody was given.
    const isKnown = version <= this.#storage.version;
    try {
      const snapshot = isKnown ? await this.#storage.snapshotAt?.(version) : undefined;
      if (snapshot !== undefined) return snapshot;
    } catch (error) {
      if (!isTrueupError(error) || error.code !== "SNAPSHOT_TOO_OLD") throw error;
    }
    throw new TrueupError("TIMESTAMP_NOT_HELD");
  }

  /** Gives up all versions. Those that are read now are released when that is done. */
  close(): void {
    for (const version of this.#held.keys()) this.#drop(version);
  }

  #drop(version: Version): void {
    const held = this.#held.get(version);
    if (held === undefined) return;
    held.forget();
    this.#held.delete(version);
    this.#releaseUnused(version, held);
  }

  #releaseUnused(version: Version, held: Held): void {
    if (held.readers === 0 && this.#held.get(version) !== held) held.snapshot.release();
  }
}
