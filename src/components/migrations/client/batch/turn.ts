/**
 * How long a batch keeps others waiting. On Trueup one mutation runs at a time, and while it computes the process answers
 * nobody: requests are not even received. So a batch lets go every few milliseconds, and when somebody waits for a turn, or did
 * so lately, it ends when it and its commit have taken as long as anybody should wait. It ends no earlier, because each batch
 * also costs what no document adds to. Elsewhere nobody waits for a batch, and nothing of this happens.
 */
import type { GenericDatabaseReader, GenericDataModel } from "convex/server";
import { nativeStoreOf, type NativeStore } from "../../../../seams/index.js";
import { sharedTurnMs } from "../../component/protocol.js";

/** A batch that has taken so many milliseconds lets others have a moment. */
const breathingIntervalMs = 3;

export class Turn {
  readonly #store: NativeStore | null;
  readonly #beganAtMs = Date.now();
  /** How long it had taken when it breathed last. */
  #breathedMs = 0;
  #isShared = false;
  /** How many documents fit a turn that is shared, judging by those before. */
  #fits = Infinity;

  /** Begins now. */
  constructor(db: GenericDatabaseReader<GenericDataModel>) {
    this.#store = nativeStoreOf(db);
  }

  /** Whether others wait for their turns, or did so lately, as far as it has breathed. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** Milliseconds that it has taken, its commit included as far as that can be told; 0 where the clock stands still. */
  get tookMs(): number {
    return Date.now() - this.#beganAtMs + (this.#store?.commitMs?.() ?? 0);
  }

  /** True when the batch, `done` documents far, has to breathe. */
  isDue(done: number): boolean {
    if (this.#store?.breathe === undefined) return false;
    return this.tookMs - this.#breathedMs >= breathingIntervalMs || (this.#isShared && done >= this.#fits);
  }

  /** Gives others a moment. Resolves with true when the batch, `done` documents far, should end. */
  async breathe(done: number): Promise<boolean> {
    this.#isShared = (await this.#store?.breathe?.()) === true;
    this.#breathedMs = this.tookMs;
    this.#fits = Math.max(1, Math.floor((sharedTurnMs * done) / Math.max(this.#breathedMs, 1)));
    return this.#isShared && done >= this.#fits;
  }
}
