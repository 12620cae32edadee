/**
 * How long a batch keeps others waiting. On Trueup one mutation runs at a time, and while it computes the process answers
 * nobody: requests are not even received. So a batch lets go every few milliseconds, and when somebody waits for a turn, or did
 * so lately, it ends when it and its commit have taken as long as anybody should wait. It ends no earlier, because each batch
 * also costs what no document adds to. It is measured by the processor's time: by the clock, everything takes longer on a busy
 * machine, and batches would shrink until they are nothing but overhead. Elsewhere nobody waits for a batch, and nothing of
 * this happens.
 */
import type { GenericDatabaseReader, GenericDataModel } from "convex/server";
import { nativeStoreOf, type NativeStore } from "../../../../seams/index.js";
import { sharedTurnMs } from "../../component/protocol.js";

/** A batch that has taken so many milliseconds lets others have a moment. */
const breathingIntervalMs = 3;
/** A process that has just started, or pauses, may take long for a few documents: fewer than these tell nothing. */
export const fewest = 32;

export class Turn {
  readonly #store: NativeStore | null;
  readonly #beganAtMs: number;
  #nextLook = 1;
  /** How long it had taken when it breathed last. */
  #breathedMs = 0;
  #isShared = false;
  /** How many documents fit a turn that is shared, judging by those before. */
  #fits = Infinity;

  /** Begins now. */
  constructor(db: GenericDatabaseReader<GenericDataModel>) {
    this.#store = nativeStoreOf(db);
    this.#beganAtMs = this.#nowMs();
  }

  /** Whether others wait for their turns, or did so lately, as far as it has breathed. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** Milliseconds that it has taken, its commit included as far as that can be told; 0 where the clock stands still. */
  get tookMs(): number {
    return this.#nowMs() - this.#beganAtMs + (this.#store?.commitMs?.() ?? 0);
  }

  /** True when the batch, `done` documents far, has to breathe. */
  isDue(done: number): boolean {
    if (this.#store?.breathe === undefined || done < this.#nextLook) return false;
    const { tookMs } = this;
    // To ask the processor costs as much as a small document does: it looks again when the next breath should be due, and
    // where a turn that is shared would end.
    const perBreath = Math.floor((breathingIntervalMs * done) / Math.max(tookMs, breathingIntervalMs));
    const endOfTurn = done < this.#fits ? this.#fits : Infinity;
    this.#nextLook = Math.min(done + Math.max(1, perBreath), endOfTurn);
    return tookMs - this.#breathedMs >= breathingIntervalMs || (this.#isShared && done >= this.#fits);
  }

  /** Gives others a moment. Resolves with true when the batch, `done` documents far, should end. */
  async breathe(done: number): Promise<boolean> {
    this.#isShared = (await this.#store?.breathe?.()) === true;
    this.#breathedMs = this.tookMs;
    this.#fits = Math.max(fewest, Math.floor((sharedTurnMs * done) / Math.max(this.#breathedMs, 1)));
    return this.#isShared && done >= this.#fits;
  }

  /** By the processor where it can be asked, else by the clock. */
  #nowMs(): number {
    return this.#store?.processorMs?.() ?? Date.now();
  }
}
