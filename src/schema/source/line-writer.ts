/** Writes one line of source text up to a length; what comes after is dropped and marked by "…". */
export class LineWriter {
  readonly #maxLength: number;
  readonly #parts: string[] = [];
  #length = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** True when nothing more will be shown: writers may stop. */
  get full(): boolean {
    return this.#length > this.#maxLength;
  }

  write(part: string): void {
    if (this.full) return;
    this.#parts.push(part);
    this.#length += part.length;
  }

  /** Writes items between brackets, separated by commas, until the line is full. */
  list<Item>(open: string, close: string, items: readonly Item[], writeItem: (item: Item) => void): void {
    this.write(open);
    for (let index = 0; index < items.length && !this.full; index++) {
      if (index > 0) this.write(", ");
      writeItem(items[index]!);
    }
    this.write(close);
  }

  text(): string {
    const text = this.#parts.join("");
    return this.full ? `${text.slice(0, Math.max(0, this.#maxLength - 1))}…` : text;
  }
}
