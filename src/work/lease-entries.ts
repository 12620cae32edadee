/**
 * How leases stand in the data, in a space of keys of their own.
 *
 * - process: process -> whether it runs what is scheduled. It is there as long as the process is taken to be alive.
 * - beat: process -> a number that the process raises every few seconds.
 * - term: lease -> the number of the term and the process that has it. Whoever takes a lease writes the next term, so work that
 *   has read a term in its transaction cannot commit once the lease has passed on.
 */
import type { KeyRange, MaybePromise } from "../storage/storage.js";

const space = "\x07";

/** The range of all entries. */
export const leaseEntries: KeyRange = { start: space, end: "\x08" };

export function isLeaseKey(key: string): boolean {
  return key.startsWith(space);
}

export function processKey(process: string): string {
  return `${space}process/${process}`;
}

export function beatKey(process: string): string {
  return `${space}beat/${process}`;
}

export function termKey(lease: string): string {
  return `${space}term/${lease}`;
}

/** A transaction that reads entries of leases as it reads all else: what it found has to be true when it commits. */
export interface LeaseReader {
  leaseEntry(key: string): MaybePromise<string | undefined>;
}

/** Who has a lease, and how often it has passed on. */
export interface Term {
  readonly number: number;
  /** A process; "" for none. */
  readonly owner: string;
}

export const noTerm: Term = { number: 0, owner: "" };

export function termText({ number, owner }: Term): string {
  return `${number} ${owner}`;
}

export function readTerm(text: string | undefined): Term {
  if (text === undefined) return noTerm;
  const at = text.indexOf(" ");
  return { number: Number(text.slice(0, at)), owner: text.slice(at + 1) };
}

/** What is known of one process. */
export interface KnownProcess {
  /** Whether it runs what is scheduled. */
  isWorker: boolean;
  beat: string;
  /** When the beat was seen to change last, by this process' own clock. */
  seenAtMs: number;
}

/** All entries of leases, as far as this process has heard. */
export class LeaseView {
  readonly processes: Map<string, KnownProcess> = new Map();
  readonly terms: Map<string, Term> = new Map();

  /** Takes note of an entry; undefined when it is gone. */
  note(key: string, value: string | undefined, nowMs: number): void {
    const [kind, name] = splitKey(key);
    if (kind === "term") {
      this.terms.set(name, readTerm(value));
    } else if (kind === "process") {
      if (value === undefined) this.processes.delete(name);
      else this.#process(name, nowMs).isWorker = value === workerText;
    } else if (value !== undefined) {
      const known = this.#process(name, nowMs);
      known.beat = value;
      known.seenAtMs = nowMs;
    }
  }

  #process(name: string, nowMs: number): KnownProcess {
    let known = this.processes.get(name);
    if (known === undefined) {
      known = { isWorker: false, beat: "", seenAtMs: nowMs };
      this.processes.set(name, known);
    }
    return known;
  }

  /**
   * The process that a lease belongs to while these processes live: the one whose hash with the name of the lease is highest, so
   * that leases spread, and only those of a process that comes or goes pass on. Null when no process may have it.
   * @param isForAll Where no process runs what is scheduled, others do the work.
   */
  belongsTo(lease: string, isForAll: boolean): string | null {
    const workers = [...this.processes].filter(([, { isWorker }]) => isWorker).map(([name]) => name);
    const candidates = workers.length > 0 || !isForAll ? workers : [...this.processes.keys()];
    let best: string | null = null;
    let bestHash = -1;
    for (const process of candidates) {
      const hash = hashOf(`${lease}/${process}`);
      if (hash < bestHash || (hash === bestHash && best !== null && process < best)) continue;
      best = process;
      bestHash = hash;
    }
    return best;
  }
}

export const workerText = "worker";
export const otherText = "other";

function splitKey(key: string): readonly [kind: string, name: string] {
  const at = key.indexOf("/");
  return [key.slice(space.length, at), key.slice(at + 1)];
}

/** FNV-1a with a last mix, so that names which differ in one char spread. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
