/**
 * Pushes that were begun and not finished. Most will never be: code generation begins one each time. So only
 * the latest few are kept.
 */
const maxPending = 4;

export class PendingPushes<Push> {
  readonly #pushes = new Map<string, Push>();
  readonly #forget: (push: Push) => void;

  /** @param forget Called with each push that is dropped or done. */
  constructor(forget: (push: Push) => void) {
    this.#forget = forget;
  }

  add(id: string, push: Push): void {
    this.#pushes.set(id, push);
    for (const oldest of this.#pushes.keys()) {
      if (this.#pushes.size <= maxPending) break;
      this.delete(oldest);
    }
  }

  get(id: string): Push | undefined {
    return this.#pushes.get(id);
  }

  all(): Iterable<Push> {
    return this.#pushes.values();
  }

  delete(id: string): void {
    const push = this.#pushes.get(id);
    this.#pushes.delete(id);
    if (push !== undefined) this.#forget(push);
  }

  clear(): void {
    for (const id of this.#pushes.keys()) this.delete(id);
  }
}
