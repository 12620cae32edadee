/**
 * What requests that are under way would make of the data, key by key, in the order in which they were handed over; and readers
 * that see it over what is committed. A sum is taken over what the reader sees beneath. A timestamp is only known when its
 * commit has its place, so who reads there waits for that.
 */
import { stampedWrites, stampOf, sumOf } from "../commit-request.js";
import { emptyKeyTree } from "../key-tree.js";
import type { Entry, KeyRange, MaybePromise, ScanOptions, Write } from "../storage.js";
import type { View } from "./heard-commits.js";
import type { PendingRequest } from "./pending-request.js";

/** What a request does to a key: puts a value, deletes it, or adds to it. */
interface Change {
  readonly by: PendingRequest;
  readonly value: string | undefined;
  readonly add?: readonly number[];
}

/** Reads what is committed, as of the view's version. */
export interface BaseReader {
  getMany(keys: readonly string[]): MaybePromise<(string | undefined)[]>;
  scan(range: KeyRange, options?: ScanOptions): MaybePromise<Entry[]>;
}

export class Overlay {
  readonly #changes = emptyKeyTree<Change[]>();
  /** Requests whose timestamp is not known yet. */
  readonly #stamped = new Set<PendingRequest>();

  add(pending: PendingRequest): void {
    const { writes, stamps = [], adds = [] } = pending.request;
    const waiting = new Set(stamps.map(({ write }) => write));
    if (waiting.size > 0) this.#stamped.add(pending);
    writes.forEach((write, index) => {
      if (!waiting.has(index)) this.#put(pending, write);
    });
    for (const [key, add] of adds) this.#insert(key, { by: pending, value: undefined, add });
  }

  /** The request has its version. */
  stamp(pending: PendingRequest): void {
    if (!this.#stamped.delete(pending) || pending.version === undefined) return;
    const { request, version } = pending;
    const stamped = stampedWrites(request, () => stampOf(version));
    for (const index of new Set(request.stamps?.map(({ write }) => write))) {
      const write = stamped[index];
      if (write !== undefined) this.#put(pending, write);
    }
  }

  remove(pending: PendingRequest): void {
    this.#stamped.delete(pending);
    const { request, version } = pending;
    const writes = version === undefined ? request.writes : stampedWrites(request, () => stampOf(version));
    for (const [key] of [...writes, ...(request.adds ?? [])]) {
      const left = this.#changes.get(key)?.filter(({ by }) => by !== pending);
      if (left === undefined) continue;
      if (left.length === 0) this.#changes.delete(key);
      else this.#changes.set(key, left);
    }
  }

  async getMany(view: View, keys: readonly string[], base: BaseReader): Promise<(string | undefined)[]> {
    if (this.#isEmpty) return await base.getMany(keys);
    await this.#whenStamped(view, (key, isPrefix) =>
      isPrefix ? keys.some((asked) => asked.startsWith(key)) : keys.includes(key),
    );
    const changes = keys.map((key) => this.#seen(view, this.#changes.get(key)));
    const open = keys.filter((_, index) => isOpen(changes[index] ?? []));
    const found = open.length > 0 ? await base.getMany(open) : [];
    let at = 0;
    return changes.map((list) => applied(list, isOpen(list) ? found[at++] : undefined));
  }

  async scan(
    view: View,
    range: KeyRange,
    options: ScanOptions | undefined,
    base: BaseReader,
  ): Promise<Entry[]> {
    if (this.#isEmpty) return await base.scan(range, options);
    const { start, end } = range;
    await this.#whenStamped(view, (key, isPrefix) => {
      if (end !== undefined && key >= end) return false;
      return key >= start || (isPrefix && start.startsWith(key));
    });
    const changed = this.#within(view, range);
    if (changed.size === 0) return await base.scan(range, options);
    const { reverse = false, limit } = options ?? {};
    // As many more as may turn out to be deleted.
    const wanted = limit === undefined ? {} : { limit: limit + changed.size };
    const entries = new Map(await base.scan(range, { reverse, ...wanted }));
    const beneath = entries.size < (wanted.limit ?? Infinity) ? undefined : [...entries.keys()].at(-1);
    // Those beyond the last entry that was read are of no use, and what is beneath them is not known.
    for (const [key, list] of changed) {
      if (beneath !== undefined && (reverse ? key < beneath : key > beneath)) continue;
      const value = applied(list, entries.get(key));
      if (value === undefined) entries.delete(key);
      else entries.set(key, value);
    }
    const sign = reverse ? -1 : 1;
    const sorted = [...entries].sort(([one], [other]) => (one < other ? -sign : sign));
    return sorted.slice(0, limit);
  }

  get #isEmpty(): boolean {
    return this.#changes.isEmpty && this.#stamped.size === 0;
  }

  #put(by: PendingRequest, [key, value]: Write): void {
    this.#insert(key, { by, value });
  }

  /** After those that were handed over before, and after those of the same request. */
  #insert(key: string, change: Change): void {
    const list = this.#changes.get(key);
    if (list === undefined) {
      this.#changes.set(key, [change]);
      return;
    }
    const at = list.findLastIndex(({ by }) => by.place <= change.by.place) + 1;
    list.splice(at, 0, change);
  }

  #within(view: View, { start, end }: KeyRange): Map<string, readonly Change[]> {
    const found = new Map<string, readonly Change[]>();
    const last = this.#changes.maxKey();
    if (last === undefined) return found;
    this.#changes.forRange(start, end ?? last, end === undefined, (key, changes) => {
      const seen = this.#seen(view, changes);
      if (seen.length > 0) found.set(key, seen);
    });
    return found;
  }

  #seen(view: View, changes: readonly Change[] = []): readonly Change[] {
    return changes.filter(
      ({ by }) => by.place <= view.place && !(by.version !== undefined && by.version <= view.version),
    );
  }

  /** Waits for requests that put a timestamp where the reader looks. */
  async #whenStamped(view: View, looksAt: (key: string, isPrefix: boolean) => boolean): Promise<void> {
    for (const pending of this.#stamped) {
      if (pending.place > view.place) continue;
      const isMet = stampedKeys(pending).some(({ key, isPrefix }) => looksAt(key, isPrefix));
      if (isMet) await pending.whenSettled;
    }
  }
}

/** The keys of a request's writes that wait for its timestamp: of those that have it in the key, what stands before it. */
export function stampedKeys({ request }: PendingRequest): { key: string; isPrefix: boolean }[] {
  return (request.stamps ?? []).map(({ write, part, offset }) => {
    const key = request.writes[write]?.[0] ?? "";
    return part === "key" ? { key: key.slice(0, offset), isPrefix: true } : { key, isPrefix: false };
  });
}

/** Whether what is beneath counts. */
function isOpen(changes: readonly Change[]): boolean {
  return changes.every(({ add }) => add !== undefined);
}

function applied(changes: readonly Change[], beneath: string | undefined): string | undefined {
  return changes.reduce(
    (value, change) => (change.add === undefined ? change.value : sumOf(value, change.add)),
    beneath,
  );
}
