/**
 * How pending operations come into the trees. Whoever folds, the worker from a snapshot or a writer from the present, reads
 * each entry again where it stands: one that another has taken off in between is passed over, and one of which a part
 * was taken off is gone on with. Entries come in the order of their commits and those before them are folded before
 * them, so an operation is applied once, after all that were committed before it.
 */
import { ConvexError } from "convex/values";
import type { DatabaseWriter, MutationCtx } from "../_generated/server.js";
import type { DifferenceKind } from "../../../../seams/index.js";
import type { Operation } from "../interface/operation.js";
import { noteDrift, type Drifted } from "../check/drift.js";
import { isDamage } from "../interface/errors.js";
import { Forest, unmanaged } from "../forest/forest.js";
import { liveGeneration, replaceDamaged } from "../generation/states.js";
import { applyOperation, visitPlaces } from "../forest/operations.js";
import { readFrom } from "../native/readings.js";
import { untilLoaded } from "../../tree/index.js";
import { bury, pendingDeltas, takeOff, type PendingRow, type QueueEntry } from "./pending.js";

/** What a run leaves of the transaction's documents, for the queue itself. */
const reservedDocuments = 100;

/**
 * Applies up to `limit` operations of entries and takes them off. Ends early when the transaction's budget of documents
 * does. Returns the commit it has come to. What is refused becomes a dead letter.
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
  for (const { id, commitTs } of entries) {
    if (applied > 0 && !mayGoOn()) break;
    cursor = commitTs;
    const row = await ctx.db.get("pendingOperations", id);
    if (row === null) continue;
    let done = 0;
    while (done < row.operations.length && (applied === 0 || mayGoOn())) {
      await fold.apply(row, row.operations[done++] as Operation);
      applied++;
    }
    await fold.takeOff(row, done);
  }
  await fold.flush();
  return cursor;
}

/**
 * Brings every delta into its tree, for a write that needs the trees as they are.
 * @throws PENDING_OPERATIONS when queued operations wait, or more deltas than a call can apply.
 */
export async function foldDeltas(ctx: MutationCtx): Promise<void> {
  const rows = await readFrom(ctx.db, (readings) => pendingDeltas(readings, false));
  if (rows.length === 0) return;
  const fold = new Fold(ctx.db);
  for (const row of rows) {
    await fold.prepare(row);
    for (const operation of row.operations) await fold.apply(row, operation);
    await fold.takeOff(row, row.operations.length);
  }
  await fold.flush();
}

/** The forests of all generations that are folded into in one transaction. */
class Fold {
  readonly #db: DatabaseWriter;
  /** Null for those that are not kept in step any more. */
  readonly #forests: Map<number, Forest | null> = new Map();
  /** What has drifted, by generation. */
  readonly #drifted: Map<number, Drifted[]> = new Map();
  /** Documents that are no nodes. */
  #others = 0;

  constructor(db: DatabaseWriter) {
    this.#db = db;
  }

  /** How many documents were read, and would be written by now. */
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
    const isKept = generation === unmanaged || (await liveGeneration(this.#db, generation)) !== null;
    const forest = isKept ? new Forest(this.#db, generation) : null;
    this.#forests.set(generation, forest);
    return forest;
  }

  /** Loads what the operations of an entry need together. */
  async prepare(row: PendingRow): Promise<void> {
    const forest = await this.#forestOf(row);
    if (forest !== null) await untilLoaded(() => visitPlaces(forest, row.operations));
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
      // An operation of this very transaction is no dead letter yet: its writer can still be told.
      if (typeof row.commitTs !== "bigint") throw error;
      this.#others++;
      await bury(this.#db, operation, row.commitTs, String(error));
    }
  }

  /** Takes the first operations of an entry off. */
  async takeOff(row: PendingRow, done: number): Promise<void> {
    this.#others++;
    await takeOff(this.#db, row._id, row.operations.slice(done));
  }

  async flush(): Promise<void> {
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
