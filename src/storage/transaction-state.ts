/**
 * Whether a transaction may still be used. One that has ended belongs to the past of a queue that has moved on,
 * so using it is a defect in the caller: a plain assertion, not a coded error. Only `rollback` may be called on
 * an ended one, which lets callers roll back whatever went wrong, a failed commit included.
 */
export class TransactionState {
  #isActive = true;

  assertActive(): void {
    if (!this.#isActive) throw new Error("The transaction was used after it had ended.");
  }

  /** Ends the transaction; false when it had ended before. */
  end(): boolean {
    const wasActive = this.#isActive;
    this.#isActive = false;
    return wasActive;
  }
}
