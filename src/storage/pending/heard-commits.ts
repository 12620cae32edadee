/**
 * What was committed lately, by keys: whether something that a transaction read was overtaken is found out here, without a trip.
 * It goes back as far as the oldest transaction that is under way.
 */
import type { Reads, Touched, Version } from "../storage.js";

/** What a transaction sees: the commits up to a version, and what its opening handed over up to a place. */
export interface View {
  readonly version: Version;
  readonly place: number;
}

/** What a commit changed for readers. */
export interface Changes {
  /** Written, added to, or touched. */
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
}

interface Heard extends Changes {
  readonly version: Version;
  /** Of a request of this opening: its place among those. */
  readonly place: number | undefined;
}

/** Conflicts name so many keys at most. */
const mostKeysNamed = 8;

export function changesOf(
  writes: readonly (readonly [key: string, ...rest: unknown[]])[],
  adds: readonly (readonly [key: string, ...rest: unknown[]])[],
  touched: Touched,
): Changes {
  const keys = [...writes.map(([key]) => key), ...adds.map(([key]) => key), ...touched.keys];
  return { keys, prefixes: touched.prefixes };
}

/** The keys and prefixes among the changes that were read; a few of them, when there are many. */
export function readOf({ keys, prefixes }: Changes, reads: Reads | undefined): string[] {
  const found: string[] = [];
  if (reads === undefined) return found;
  for (const key of keys) {
    if (found.length < mostKeysNamed && (reads.keys.has(key) || isIn(reads.ranges, key))) found.push(key);
  }
  for (const prefix of prefixes) if (readsBelow(reads, prefix)) found.push(prefix);
  return found;
}

export class HeardCommits {
  #heard: Heard[] = [];
  /** Where the first one stands that is still of use. */
  #first = 0;

  add(version: Version, changes: Changes, place?: number): void {
    this.#heard.push({ version, ...changes, place });
  }

  /** What changed of what was read behind the view's back, up to a version. */
  overtaken(reads: Reads | undefined, view: View, upTo: Version = Infinity): string[] {
    for (const heard of this.#since(view.version)) {
      if (heard.version > upTo) break;
      if (heard.place !== undefined && heard.place <= view.place) continue;
      const found = readOf(heard, reads);
      if (found.length > 0) return found;
    }
    return [];
  }

  /** The last commit after the view's version that the view has seen nevertheless, because it was of this opening. */
  lastSeen(reads: Reads | undefined, view: View): Version | undefined {
    let last: Version | undefined;
    for (const heard of this.#since(view.version)) {
      if (heard.place === undefined || heard.place > view.place) continue;
      if (readOf(heard, reads).length > 0) last = heard.version;
    }
    return last;
  }

  /** Forgets what every view has seen. */
  forgetUpTo(version: Version): void {
    while ((this.#heard[this.#first]?.version ?? Infinity) <= version) this.#first++;
    if (this.#first < 1024 && this.#first < this.#heard.length) return;
    this.#heard = this.#heard.slice(this.#first);
    this.#first = 0;
  }

  #since(version: Version): Heard[] {
    let at = this.#heard.length;
    while (at > this.#first && (this.#heard[at - 1]?.version ?? 0) > version) at--;
    return this.#heard.slice(at);
  }
}

function isIn(ranges: Reads["ranges"], key: string): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.start ?? "") <= key) low = middle + 1;
    else high = middle;
  }
  const before = ranges[low - 1];
  return before !== undefined && key < before.end;
}

function readsBelow(reads: Reads, prefix: string): boolean {
  for (const key of reads.keys) if (key.startsWith(prefix)) return true;
  return reads.ranges.some(({ start, end }) => start.startsWith(prefix) || (start < prefix && prefix < end));
}
