/**
 * Carries out a build in bulk of one generation of an aggregate. It reads the table in small snapshots, sorts the entries that
 * the aggregate makes of the documents, has them packed in small transactions, and merges the writes that came meanwhile. All
 * of its parts take a few milliseconds, between which the event loop turns, so live calls hardly wait. What it knows is in
 * memory, and is lost with the process; then another build begins anew.
 */
import type { TablePart } from "../database/index.js";
import type { Advance, BulkBuild, BulkPack } from "../seams/index.js";
import { pause } from "../work/index.js";
import { ExternalSort } from "./external-sort.js";
import type { MergedTexts } from "./merged-texts.js";

/** How a build reaches its table and its component. */
export interface BulkAccess {
  read(behind: string | null, limit: number): Promise<{ readonly part: TablePart; readonly total: number }>;
  write<T>(run: (ctx: object) => Promise<T>): Promise<T>;
}

/** What a step has come to: there is more to do, it is ready, or not wanted any more; or how to go on after a failure. */
export type BulkOutcome = "again" | "ready" | "gone" | Advance;

/** A step ends after about this time, with a note of how far the build is. */
const stepMs = 250;
/** About how long a part should hold the event loop. What a transaction writes is encoded and stored behind its own part. */
const partMs = 2;
const writeMs: number = partMs / 2;
/** Where the storage is shared, parts take so many times as long: they wait for it, and meanwhile hold nobody up. */
const waitingFactor = 10;
/**
 * How many transactions may wait for their flush while the next one is prepared. Where they may conflict, it is one: entries are
 * packed in their order, and a transaction that is refused would come behind the next.
 */
const writesAtOnce = 3;
/** A transaction is handed entries of at most so many chars. */
const packedChars = 1 << 20;

export class TableBulkBuild {
  readonly #build: BulkBuild;
  readonly #sort = new ExternalSort(() => pause(0));
  /** The place behind which to read on. */
  #place: string | null = null;
  #sorted: MergedTexts | null = null;
  #isPacked = false;
  #packs: Promise<boolean>[] = [];
  #read = 0;
  #packed = 0;
  #total = 0;
  #activeMs = 0;
  #merges = 0;
  readonly #packsAtOnce: number;
  readonly #documentsAtOnce: Pace;
  readonly #entriesAtOnce: Pace;
  readonly #writesAtOnce: Pace;

  /** @param isShared Whether several processes share the storage. */
  constructor(build: BulkBuild, isShared = false) {
    this.#build = build;
    const factor = isShared ? waitingFactor : 1;
    this.#packsAtOnce = isShared ? 1 : writesAtOnce;
    this.#documentsAtOnce = new Pace(partMs * factor);
    const least = isShared ? leastShared : 1;
    this.#entriesAtOnce = new Pace(writeMs * factor, least);
    this.#writesAtOnce = new Pace(writeMs * factor, least);
  }

  get generation(): number {
    return this.#build.generation;
  }

  /** Whether it cannot go on after a failure, and has to begin anew. */
  get isOver(): boolean {
    return this.#isPacked;
  }

  /** Gives back what it holds outside of its memory. Idempotent. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#packs);
    await this.#sort.close();
  }

  /** Goes on for a while. After an error the build is of no use any more. */
  async step(access: BulkAccess): Promise<BulkOutcome> {
    const beganAtMs = performance.now();
    let outcome: BulkOutcome = "again";
    let tookMs = 0;
    while (outcome === "again" && tookMs < stepMs) {
      await pause(0);
      outcome = await this.#goOn(access);
      tookMs = performance.now() - beganAtMs;
    }
    this.#activeMs += tookMs;
    if (outcome !== "again" || (await this.#note(access))) return outcome;
    return "gone";
  }

  async #goOn(access: BulkAccess): Promise<BulkOutcome> {
    if (this.#sorted === null) return await this.#scan(access);
    if (!this.#isPacked) return await this.#pack(access, this.#sorted);
    return await this.#merge(access);
  }

  async #scan(access: BulkAccess): Promise<BulkOutcome> {
    const limit = this.#documentsAtOnce.size;
    const beganAtMs = performance.now();
    const { part, total } = await access.read(this.#place, limit);
    this.#total = total;
    const entries: string[] = [];
    let failed: BulkOutcome = "again";
    for (const [index, document] of part.documents.entries()) {
      try {
        entries.push(this.#build.entryOf(document));
      } catch (error) {
        failed = await access.write((ctx) => this.#build.fail(ctx, error, document._id));
        break;
      }
      this.#place = part.places[index] ?? null;
    }
    this.#read += entries.length;
    const adding = this.#sort.add(entries);
    this.#documentsAtOnce.took(performance.now() - beganAtMs, entries.length);
    await adding;
    if (failed !== "again") return failed;
    if (part.documents.length < limit) this.#sorted = await this.#sort.sorted();
    return "again";
  }

  async #pack(access: BulkAccess, sorted: MergedTexts): Promise<BulkOutcome> {
    const entries = await sorted.take(this.#entriesAtOnce.size, packedChars);
    if (entries.length === 0) return await this.#endPacking(access);
    const packing = this.#packIn(access, this.#build.pack(entries), entries.length);
    // Whoever waits for it later hears of its failure, and until then nobody does.
    packing.catch(() => {});
    this.#packs.push(packing);
    if (this.#packs.length >= this.#packsAtOnce && !(await this.#packs.shift())) return "gone";
    this.#packed += entries.length;
    return "again";
  }

  /** Returns whether the build is still wanted. */
  async #packIn(access: BulkAccess, pack: BulkPack, count: number): Promise<boolean> {
    const confirm = await access.write(async (ctx) => {
      const beganAtMs = performance.now();
      const packed = await pack.run(ctx);
      this.#entriesAtOnce.took(performance.now() - beganAtMs, count);
      return packed;
    });
    confirm?.();
    return confirm !== null;
  }

  async #endPacking(access: BulkAccess): Promise<BulkOutcome> {
    const arePacked = await Promise.all(this.#packs.splice(0));
    if (arePacked.includes(false)) return "gone";
    this.#isPacked = true;
    if (this.#build.isRight()) return (await this.#note(access)) ? "again" : "gone";
    return await access.write((ctx) =>
      this.#build.fail(ctx, new Error("what was packed is not what was read")),
    );
  }

  async #merge(access: BulkAccess): Promise<BulkOutcome> {
    // The longer it takes, the more is merged at once, so that it comes to an end however much is written meanwhile.
    this.#merges += 1;
    const limit = Math.min(mostAtOnce, this.#writesAtOnce.size + this.#merges);
    const hasMore = await access.write(async (ctx) => {
      const beganAtMs = performance.now();
      const found = await this.#build.merge(ctx, limit);
      this.#writesAtOnce.took(performance.now() - beganAtMs, limit);
      return found;
    });
    if (hasMore === null) return "gone";
    return hasMore ? "again" : "ready";
  }

  /** Of a document that is read and sorted, half is done. */
  async #note(access: BulkAccess): Promise<boolean> {
    const processed = Math.floor((this.#read + this.#packed) / 2);
    const progress = {
      processed,
      total: Math.max(this.#total, processed),
      activeMs: Math.round(this.#activeMs),
    };
    return await access.write((ctx) => this.#build.note(ctx, progress));
  }
}

const mostAtOnce = 4096;
/**
 * At least so many are written at once where several processes share the storage: most of a transaction's time does not depend on
 * how much it writes there, and others append faster than small ones could merge.
 */
const leastShared = 256;
/** Small, because code that has not run yet is slow. */
const firstAtOnce = 32;

/** How much to do at once, by how long it took before. */
class Pace {
  readonly #aimMs: number;
  readonly #least: number;
  #size: number;

  constructor(aimMs: number, least = 1) {
    this.#aimMs = aimMs;
    this.#least = least;
    this.#size = Math.max(least, firstAtOnce);
  }

  get size(): number {
    return Math.round(this.#size);
  }

  took(tookMs: number, count: number): void {
    if (count === 0) return;
    const factor = Math.min(2, Math.max(0.5, this.#aimMs / tookMs));
    this.#size = Math.min(mostAtOnce, Math.max(this.#least, Math.min(this.#size, count) * factor));
  }
}
