/**
 * Keeps a batch below live traffic. A process that runs one mutation at a time is deaf while a batch computes: requests
 * are not even received. So a batch lets go every few milliseconds, and when somebody then waits for its turn it
 * ends where it stands; those behind it begin with that size. Elsewhere nobody waits for a batch, and nothing happens here.
 */
import type { GenericDatabaseReader, GenericDataModel } from "convex/server";
import { nativeStoreOf, type NativeStore } from "../../../seams/index.js";

const intervalMs = 3;
/** A pause of the process itself may seem to be a long batch: fewer documents than these are not worth an end. */
const fewest = 32;

export class Breathing {
  readonly #store: NativeStore | null;
  #latestMs = Date.now();

  /** Begins now. */
  constructor(db: GenericDatabaseReader<GenericDataModel>) {
    this.#store = nativeStoreOf(db);
  }

  /** True when others have not had a moment for a while. */
  get isDue(): boolean {
    return this.#store?.breathe !== undefined && Date.now() - this.#latestMs >= intervalMs;
  }

  /** Gives others a moment; resolves with true when the batch, `done` documents far, should end because somebody waits. */
  async pause(done: number): Promise<boolean> {
    const isAwaited = (await this.#store?.breathe?.()) === true;
    this.#latestMs = Date.now();
    return isAwaited && done >= fewest;
  }
}
