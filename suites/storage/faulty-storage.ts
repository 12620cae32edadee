/**
 * A storage that misbehaves on purpose, around any other one. `new FaultyDisk(memory())` is the disk: it outlives
 * crashes. `disk.open` is what the code under test opens, as often as it likes. Operations may take a few turns
 * of the event loop, commits may conflict or find the disk full, and `crash` makes everything that is not
 * acknowledged be lost, as if the process had been killed. Chance comes from a seed, so a run can be repeated.
 */
import { TrueupError, type ErrorCode } from "../../src/errors/index.js";
import type { OpenStorage, Storage } from "../../src/storage/storage.js";
import { FaultySession } from "./faulty-session.js";
import { seededRandom } from "../setup/random.js";

export interface FaultRates {
  /** Share of commits that conflict, 0 to 1; above 0 the storage calls itself not serial. */
  readonly conflicts?: number;
  /** Share of commits that find the disk full, 0 to 1. */
  readonly fullDisk?: number;
  /** Most turns of the event loop that an operation takes; 0 leaves the wrapped storage's timing. */
  readonly delayTurns?: number;
  readonly seed?: number;
}

/** When a crash that was planned happens: a commit before it is lost, one after it is durable but unanswered. */
export type CrashPoint = "before commit" | "after commit";

export class FaultyDisk {
  readonly #openInner: OpenStorage;
  readonly #rates: FaultRates;
  readonly #random: () => number;
  readonly #sessions = new Set<FaultySession>();
  readonly #nextCommits: (ErrorCode | undefined)[] = [];
  #inner: Promise<Storage> | undefined;
  #plannedCrash: { commits: number; point: CrashPoint } | undefined;

  constructor(openInner: OpenStorage, rates: FaultRates = {}) {
    this.#openInner = openInner;
    this.#rates = rates;
    this.#random = seededRandom(rates.seed ?? 1);
  }

  /** Opens what is on the disk. */
  readonly open: OpenStorage = async () => {
    this.#inner ??= this.#openInner();
    const first = await this.#inner;
    const { shared } = first.capabilities;
    // Whoever opens a shared storage has an opening of its own.
    const inner = shared ? await this.#openInner() : first;
    const session = new FaultySession(inner, {
      mayConflict: (this.#rates.conflicts ?? 0) > 0,
      delay: () => this.#delay(),
      beforeCommit: () => this.#beforeCommit(),
      afterCommit: () => this.#afterCommit(),
      onEnd: async () => {
        this.#sessions.delete(session);
        if (shared) await inner.close();
      },
    });
    this.#sessions.add(session);
    return session;
  };

  /** What the next commits do, one after another: fail with the code, or succeed where it is undefined. */
  failNextCommits(...codes: readonly (ErrorCode | undefined)[]): void {
    this.#nextCommits.push(...codes);
  }

  /** Crashes at the n-th commit from now, 1 being the next. */
  crashAtCommit(n: number, point: CrashPoint): void {
    this.#plannedCrash = { commits: n, point };
  }

  /** Kills whoever has the disk open: their calls fail from now on, and what was not acknowledged is lost. */
  crash(): void {
    for (const session of this.#sessions) session.crash();
  }

  /** Closes the wrapped storage. */
  async close(): Promise<void> {
    this.crash();
    await (await this.#inner)?.close();
  }

  async #delay(): Promise<void> {
    const turns = Math.floor(this.#random() * ((this.#rates.delayTurns ?? 0) + 1));
    for (let turn = 0; turn < turns; turn++) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  /** Throws the fault that this commit is to meet. */
  #beforeCommit(): void {
    if (this.#plannedCrash !== undefined) {
      this.#plannedCrash.commits--;
      if (this.#plannedCrash.commits === 0 && this.#plannedCrash.point === "before commit") {
        this.#crashAsPlanned();
      }
    }
    const code = this.#nextCommits.length > 0 ? this.#nextCommits.shift() : this.#chance();
    if (code !== undefined) throw new TrueupError(code, undefined, { injected: true });
  }

  #afterCommit(): void {
    if (this.#plannedCrash?.commits === 0) this.#crashAsPlanned();
  }

  #crashAsPlanned(): never {
    this.#plannedCrash = undefined;
    this.crash();
    throw new TrueupError("STORAGE_CLOSED", "The storage crashed, as planned.");
  }

  #chance(): ErrorCode | undefined {
    if (this.#random() < (this.#rates.conflicts ?? 0)) return "STORAGE_CONFLICT";
    if (this.#random() < (this.#rates.fullDisk ?? 0)) return "STORAGE_FULL";
    return undefined;
  }
}
