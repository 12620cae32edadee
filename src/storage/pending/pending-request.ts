/** A request that was handed over and is not answered yet, as everybody sees it who has to do with it. */
import { TrueupError } from "../../errors/index.js";
import { keyToHex } from "../../values/index.js";
import { sumOf, touchesNothing } from "../commit-request.js";
import type { CommitRequest, Touched, Version, Write } from "../storage.js";
import { changesOf, type Changes, type View } from "./heard-commits.js";

export class PendingRequest {
  /** Requests of an opening are numbered as they are handed over. */
  readonly place: number;
  readonly request: CommitRequest;
  readonly touched: Touched;
  readonly changes: Changes;
  /** What the transaction saw. */
  readonly view: View;
  /** What the transaction read of others that were pending: it is refused with them. */
  readonly dependsOn: readonly PendingRequest[];
  readonly sizeBytes: number;
  /** Up to which version is known that nothing overtook it. */
  validUpTo: Version;
  /** Once it is committed. */
  version: Version | undefined;
  isRefused = false;
  /** Resolves with the version when all listeners have heard of it. */
  readonly answer: Promise<Version>;
  /** Resolves when its version is known, or that it has none. */
  readonly whenSettled: Promise<void>;
  #resolve: (version: Version) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #settle: () => void = () => undefined;

  constructor(
    place: number,
    request: CommitRequest,
    origin: { view: View; dependsOn: readonly PendingRequest[]; validUpTo: Version },
  ) {
    this.place = place;
    this.request = withoutOwnAdds(request);
    const { writes, adds = [], touched = touchesNothing } = this.request;
    this.touched = touched();
    this.changes = changesOf(writes, adds, this.touched);
    this.view = origin.view;
    this.dependsOn = origin.dependsOn;
    this.validUpTo = origin.validUpTo;
    this.sizeBytes = writes.reduce((sum, [key, value = ""]) => sum + key.length + value.length, 0);
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.whenSettled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get isSettled(): boolean {
    return this.version !== undefined || this.isRefused;
  }

  commit(version: Version): void {
    this.version = version;
    this.#settle();
  }

  refuse(error: unknown): void {
    this.isRefused = true;
    this.#settle();
    this.#reject(error);
  }

  /** Tells who handed it over that it is committed. */
  acknowledge(): void {
    if (this.version !== undefined) this.#resolve(this.version);
  }
}

/** What a transaction read was overtaken. Local is what was found out without a trip, so that another try may come at once. */
export function conflict(keys: readonly string[], isLocal: boolean): TrueupError {
  return new TrueupError("STORAGE_CONFLICT", undefined, {
    keys: keys.map(keyToHex),
    ...(isLocal ? { isLocal } : {}),
  });
}

/** Adds to what the same request writes become part of the write. */
function withoutOwnAdds(request: CommitRequest): CommitRequest {
  const { writes, adds = [] } = request;
  if (adds.length === 0) return request;
  const last = new Map(writes.map(([key], index) => [key, index]));
  if (!adds.some(([key]) => last.has(key))) return request;
  const summed: Write[] = [...writes];
  const left = adds.filter(([key, by]) => {
    const index = last.get(key);
    if (index === undefined) return true;
    summed[index] = [key, sumOf(summed[index]?.[1], by)];
    return false;
  });
  return { ...request, writes: summed, adds: left };
}
