/** Merges sorted lists of texts into one, by a tree of losers: each text costs one comparison for each doubling of the lists. */

/** A sorted list, of which a part is at hand. */
export interface SortedTexts {
  /** The part at hand; empty only at the end of the list. */
  readonly texts: readonly string[];
  /** The rest behind that part; undefined when there is none. */
  more(): Promise<SortedTexts> | undefined;
}

interface Cursor {
  list: SortedTexts;
  at: number;
  /** The next text; null at the end. */
  head: string | null;
}

export class MergedTexts {
  readonly #cursors: readonly Cursor[];
  /** By inner place of the tree: the index of the cursor that lost there. */
  readonly #losers: number[];
  #winner: number;

  /** @param lists May be empty themselves. */
  constructor(lists: readonly SortedTexts[]) {
    this.#cursors = lists.map((list) => ({ list, at: 0, head: list.texts[0] ?? null }));
    this.#losers = Array.from(lists, () => -1);
    this.#winner = lists.length === 0 ? -1 : this.#play(1);
  }

  /** The next texts, at most so many, and no more once they have so many chars; none at the end. */
  async take(count: number, chars: number): Promise<string[]> {
    const taken: string[] = [];
    let left = chars;
    while (taken.length < count && left > 0) {
      const cursor = this.#cursors[this.#winner];
      if (cursor === undefined || cursor.head === null) break;
      taken.push(cursor.head);
      left -= cursor.head.length;
      cursor.at++;
      if (cursor.at === cursor.list.texts.length) {
        const rest = cursor.list.more();
        // What was passed is let go of.
        cursor.list = rest === undefined ? nothing : await rest;
        cursor.at = 0;
      }
      cursor.head = cursor.list.texts[cursor.at] ?? null;
      this.#replay();
    }
    return taken;
  }

  /** Fills the tree from a place on, and returns the winner there. The leaves follow the inner places. */
  #play(place: number): number {
    const leaves = this.#cursors.length;
    if (place >= leaves) return place - leaves;
    const left = this.#play(2 * place);
    const right = this.#play(2 * place + 1);
    const isLeft = this.#isBefore(left, right);
    this.#losers[place] = isLeft ? right : left;
    return isLeft ? left : right;
  }

  /** Finds the next winner after the last one has moved on. */
  #replay(): void {
    let winner = this.#winner;
    for (let place = (winner + this.#cursors.length) >> 1; place > 0; place >>= 1) {
      const loser = this.#losers[place] as number;
      if (!this.#isBefore(loser, winner)) continue;
      this.#losers[place] = winner;
      winner = loser;
    }
    this.#winner = winner;
  }

  #isBefore(a: number, b: number): boolean {
    const first = (this.#cursors[a] as Cursor).head;
    const second = (this.#cursors[b] as Cursor).head;
    if (first === null) return false;
    return second === null || first < second;
  }
}

const nothing: SortedTexts = { texts: [], more: () => undefined };
