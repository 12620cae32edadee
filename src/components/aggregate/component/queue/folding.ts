/**
 * Brings pending operations into the trees. The worker learns of entries from a snapshot, a writer from the present; whoever
 * folds reads each entry again within its transaction. It skips an entry that another one has taken off in between, and goes on
 * with one of which a part was taken off. Entries are folded in the order of their commits: so each operation is applied once,
 * after all that were committed before it.
 */
import { ConvexError } from "convex/values";
import type { DatabaseWriter, MutationCtx } from "../_generated/server.js";
import type { DifferenceKind } from "../../../../seams/index.js";
import type { Operation } from "../interface/operation.js";
import { noteDrift, type Drifted } from "../check/drift.js";
import { isDamage } from "../interface/errors.js";
import { Forest, unmanaged } from "../forest/forest.js";
import { mergeOldest } from "../generation/beside.js";
import { liveGeneration, replaceDamaged } from "../generation/states.js";
import { applyOperation, visitPlaces } from "../forest/operations.js";
import { readFrom } from "../reading/readings.js";
import { untilLoaded } from "../../tree/index.js";
import { bury, pendingDeltas, takeOff, type PendingRow, type QueueEntry } from "./pending.js";

/** How many of the transaction's documents a run leaves for the queue itself. */
const reservedDocuments = 100;

/** How many entries are read at once, with the nodes that as many operations need. */
const entriesAtOnce = 64;

/** How many entries that wait beside a generation are merged before its deltas are. */
const besideAtOnce = 512;

/**
 * Applies up to `limit` operations of entries and takes them off. Ends early when the transaction's budget of documents is
 * spent. Returns the commit that it has come to. An operation that is refused becomes a dead letter.
 */
export async function foldEntries(
  ctx: MutationCtx,
  entries: readonly QueueEntry[],
  limit: number,
): Promise<bigint> {
  const { documentsRead, documentsWritten } = await ctx.meta.getTransactionMetrics();
  const fold = new Fold(ctx.db);
  let applied = 0;
  const mayGoOn = () =>
    applied < limit &&
    fold.usage.read + reservedDocuments < documentsRead.remaining &&
    fold.usage.written + reservedDocuments < documentsWritten.remaining;
  let cursor = 0n;
  for (const [index, { commitTs }] of entries.entries()) {
    if (applied > 0 && !mayGoOn()) break;
    cursor = commitTs;
    const row = await fold.entry(entries, index, limit);
    if (row === null) continue;
    if (await fold.isHeldUp(row)) break;
    let done = 0;
    while (done < row.operations.length && (applied === 0 || mayGoOn())) {
      await fold.apply(row, row.operations[done++] as Operation);
      applied++;
    }
    fold.takeOff(row, done);
  }
  await fold.flush();
  return cursor;
}

/**
 * Brings every delta into its tree, before a write that needs the trees to be complete.
 * @throws PENDING_OPERATIONS when queued operations wait, or more deltas than a call can apply.
 */
export async function foldDeltas(ctx: MutationCtx): Promise<void> {
  const rows = await readFrom(ctx.db, (readings) => pendingDeltas(readings, false));
  if (rows.length === 0) return;
  const fold = new Fold(ctx.db);
  await fold.prepare(rows, Infinity);
  for (const row of rows) {
    while (await fold.isHeldUp(row));
    for (const operation of row.operations) await fold.apply(row, operation);
    fold.takeOff(row, row.operations.length);
  }
  await fold.flush();
}

/** The trees of all generations that one transaction folds into. */
class Fold {
  readonly #db: DatabaseWriter;
  /** By generation; null for a generation that was dropped. */
  readonly #forests: Map<number, Forest | null> = new Map();
  /** The entries that were read last. */
  #rows: (PendingRow | null)[] = [];
  /** How many operations of which entries are to be taken off. */
  readonly #done: { readonly row: PendingRow; readonly count: number }[] = [];
  /** Generations beside which writes wait that go first. */
  readonly #sealed: Set<number> = new Set();
  /** The documents that had drifted, by generation. */
  readonly #drifted: Map<number, Drifted[]> = new Map();
  /** How many documents other than nodes were written. */
  #others = 0;

  constructor(db: DatabaseWriter) {
    this.#db = db;
  }

  /** How many documents were read, and would be written if the transaction ended now. */
  get usage(): { read: number; written: number } {
    let [read, written] = [this.#others, this.#others];
    for (const forest of this.#forests.values()) {
      read += forest?.nodes.usage.read ?? 0;
      written += forest?.nodes.usage.written ?? 0;
    }
    return { read, written };
  }

  async #forestOf({ generation = unmanaged }: PendingRow): Promise<Forest | null> {
    const known = this.#forests.get(generation);
    if (known !== undefined) return known;
    const live = generation === unmanaged ? null : await liveGeneration(this.#db, generation);
    if (live?.isSealed === true) this.#sealed.add(generation);
    const isKept = generation === unmanaged || live !== null;
    const forest = isKept ? new Forest(this.#db, generation) : null;
    this.#forests.set(generation, forest);
    return forest;
  }

  /** An entry of a list, as it is now; null when somebody has taken it off. Those behind it are read with it. */
  async entry(entries: readonly QueueEntry[], index: number, limit: number): Promise<PendingRow | null> {
    const count = Math.min(limit, entriesAtOnce);
    const at = index % count;
    if (at === 0) {
      const some = entries.slice(index, index + count);
      this.#rows = await Promise.all(some.map(({ id }) => this.#db.get("pendingOperations", id)));
      await this.prepare(
        this.#rows.filter((row) => row !== null),
        count,
      );
    }
    return this.#rows[at] ?? null;
  }

  /** Merges some of the writes that go before an entry. Returns true while others may be left. */
  async isHeldUp(row: PendingRow): Promise<boolean> {
    const forest = await this.#forestOf(row);
    if (forest === null || !this.#sealed.has(forest.generation)) return false;
    this.#others += besideAtOnce;
    if (await mergeOldest(this.#db, forest, besideAtOnce)) return true;
    this.#sealed.delete(forest.generation);
    return false;
  }

  /** Loads what the first operations of entries need together, up to `most` of them; the others load what they need. */
  async prepare(rows: readonly PendingRow[], most: number): Promise<void> {
    const operations = new Map<Forest, Operation[]>();
    let left = most;
    for (const row of rows) {
      if (left <= 0) break;
      const forest = await this.#forestOf(row);
      if (forest === null) continue;
      const own = operations.get(forest) ?? [];
      operations.set(forest, own);
      for (const operation of row.operations.slice(0, left)) own.push(operation);
      left -= row.operations.length;
    }
    for (const [forest, own] of operations) await untilLoaded(() => visitPlaces(forest, own));
  }

  /** Applies an operation, or buries it when it is refused. A generation whose trees are damaged is replaced. */
  async apply(row: PendingRow, operation: Operation): Promise<void> {
    const forest = await this.#forestOf(row);
    if (forest === null) return;
    try {
      this.#note(forest.generation, operation.id, await applyOperation(forest, operation));
    } catch (error) {
      if (!(error instanceof ConvexError)) throw error;
      if (forest.generation !== unmanaged && isDamage(error)) {
        this.#forests.set(forest.generation, null);
        await replaceDamaged(this.#db, forest.generation, String(error), operation.id);
        return;
      }
      // The writer of an operation of this very transaction can still be told.
      if (typeof row.commitTs !== "bigint") throw error;
      this.#others++;
      await bury(this.#db, operation, row.commitTs, String(error));
    }
  }

  /** Takes the first operations of an entry off. */
  takeOff(row: PendingRow, count: number): void {
    this.#others++;
    this.#done.push({ row, count });
  }

  /** Takes off what was applied, writes the trees, and notes what had drifted. */
  async flush(): Promise<void> {
    await Promise.all(
      this.#done.map(({ row, count }) => takeOff(this.#db, row._id, row.operations.slice(count))),
    );
    for (const forest of this.#forests.values()) await forest?.flush(this.#db);
    for (const [generation, found] of this.#drifted) await noteDrift(this.#db, generation, found);
  }

  #note(generation: number, id: string, kind: DifferenceKind | null): void {
    if (kind === null) return;
    const found = this.#drifted.get(generation) ?? [];
    found.push({ id, kind });
    this.#drifted.set(generation, found);
  }
}
