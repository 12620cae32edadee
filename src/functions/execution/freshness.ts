/**
 * Has the outcome of a call go by all that was acknowledged before the call came, in whatever process. What a mutation has read
 * is validated by its commit, so it does not wait; only one that made no commit is run again where it may have missed something.
 * Where transactions run one after another, all of this is true anyway and costs nothing.
 */
import { isTrueupError } from "../../errors/index.js";
import { catchUp, type Storage, type Version } from "../../storage/storage.js";

export class Freshness {
  readonly #storage: Storage;
  #isCaughtUp: boolean;

  /** @param isGiven The call goes by a commit that it comes from, and by no later one. */
  constructor(storage: Storage, isGiven: boolean) {
    this.#storage = storage;
    this.#isCaughtUp = isGiven;
  }

  /** Has the next attempt miss nothing; undefined where it would not anyway. @throws STORAGE_UNAVAILABLE */
  catchUp(): Promise<void> | undefined {
    if (this.#isCaughtUp) return undefined;
    this.#isCaughtUp = true;
    return catchUp(this.#storage);
  }

  /** Whether an attempt that saw this commit, and made none, has to be made again. */
  async mayHaveMissed(seen: Version): Promise<boolean> {
    const catching = this.catchUp();
    if (catching === undefined) return false;
    await catching;
    return this.#storage.version > seen;
  }

  /** The same of an attempt that has failed: what the storage has refused may have been committed. */
  async mayHaveMissedIn(error: unknown, seen: Version): Promise<boolean> {
    if (isTrueupError(error) && error.code.startsWith("STORAGE_")) return false;
    // Where the storage cannot be asked, the next attempt says so.
    return await this.mayHaveMissed(seen).catch(() => true);
  }
}
