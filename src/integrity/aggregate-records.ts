/**
 * What the engine itself remembers of managed aggregates, in a system table. A record says since when every program has followed
 * the aggregate: it is written and deleted in the transactions that put programs in place. An aggregate without a record may have
 * missed writes, whatever its component says. One whose table got another shape by a transform, which no hook sees, holds items
 * of the old shape. A record also keeps the latest error until the work goes on.
 */
import {
  readAll,
  type Document,
  type MutationTransaction,
  type QueryTransaction,
} from "../database/index.js";

const table = "_aggregates";

/** What stopped the work on an aggregate. It is tried again. */
export interface AggregateProblem {
  readonly message: string;
  readonly atMs: number;
  /** How many attempts have failed in a row. */
  readonly attempts: number;
}

export interface AggregateRecord {
  readonly name: string;
  readonly definition: string;
  /** The number of the shape that its table had when the aggregate was begun. */
  readonly shape: number;
  /** Since when it has been followed without a break. */
  readonly sinceMs: number;
  readonly problem: AggregateProblem | null;
}

/** All records by name. */
export async function readRecords(tx: QueryTransaction): Promise<Map<string, AggregateRecord & Document>> {
  const rows = await readAll<AggregateRecord>(tx.system(""), table);
  return new Map(rows.map((row) => [row.name, row]));
}

/** Makes the table hold exactly these records. Records that did not change stay as they are. */
export async function keepRecords(
  tx: MutationTransaction,
  records: readonly AggregateRecord[],
): Promise<void> {
  const writer = tx.system("");
  const known = await readRecords(tx);
  for (const record of records) {
    const old = known.get(record.name);
    known.delete(record.name);
    if (old === undefined) await writer.insert(table, { ...record });
    else if (!isSame(old, record)) await writer.replace(old._id, { ...record }, table);
  }
  for (const { _id } of known.values()) await writer.delete(_id, table);
}

function isSame(a: AggregateRecord, b: AggregateRecord): boolean {
  const isSameProblem = (a.problem === null) === (b.problem === null);
  return a.definition === b.definition && a.shape === b.shape && isSameProblem;
}

/**
 * Goes on trusting aggregates whose table gets another shape by a transform that leaves their items as they are. Aggregates that
 * were not trusted before, or that another definition replaces, stay as they are.
 */
export async function trustThrough(
  tx: MutationTransaction,
  aggregates: readonly Pick<AggregateRecord, "name" | "definition">[],
  shapes: { readonly from: number; readonly to: number },
): Promise<void> {
  const known = await readRecords(tx);
  for (const { name, definition } of aggregates) {
    const record = known.get(name);
    if (record?.definition !== definition || record.shape !== shapes.from) continue;
    await tx.system("").patch(record._id, { shape: shapes.to }, table);
  }
}

/** Trusts an aggregate that was built from its table in this shape and has been followed since. */
export async function trustIn(tx: MutationTransaction, name: string, shape: number): Promise<void> {
  const record = (await readRecords(tx)).get(name);
  if (record !== undefined) await tx.system("").patch(record._id, { shape }, table);
}

/** Records what went wrong with an aggregate, or with null that it is over. */
export async function noteProblem(
  tx: MutationTransaction,
  name: string,
  problem: AggregateProblem | null,
): Promise<void> {
  const record = (await readRecords(tx)).get(name);
  if (record !== undefined) await tx.system("").patch(record._id, { problem }, table);
}
