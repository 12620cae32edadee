/**
 * Whether a transaction may still be used. To use one that has ended is a defect of the caller, so that throws a plain error
 * without a code. Only `rollback` may be called after the end: so callers can roll back whatever went wrong, even a commit.
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
