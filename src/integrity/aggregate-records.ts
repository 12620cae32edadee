/**
 * What the engine itself remembers of managed aggregates, in a system table. A record says that the aggregate has been
 * followed by every program since a time: it is written and deleted in the transactions that put programs in place. So an
 * aggregate without one may have missed writes, whatever its component says; and one whose table has got another shape by a
 * transform, which no hook sees, holds items of the old shape. It also keeps the latest error, until it is over.
 */
import type { DatabaseReader, Document, MutationTransaction, QueryTransaction } from "../database/index.js";

const table = "_aggregates";

/** What stopped the work on an aggregate. It is tried again. */
export interface AggregateProblem {
  readonly message: string;
  readonly atMs: number;
  /** In a row. */
  readonly attempts: number;
}

export interface AggregateRecord {
  readonly name: string;
  readonly definition: string;
  /** Of its table, when it was begun. */
  readonly shape: number;
  /** Since when it has been followed without a break. */
  readonly sinceMs: number;
  readonly problem: AggregateProblem | null;
}

/** All records by name. */
export async function readRecords(tx: QueryTransaction): Promise<Map<string, AggregateRecord & Document>> {
  const rows = await readAll(tx.system(""));
  return new Map(rows.map((row) => [row.name, row]));
}

/** Makes the table hold exactly these records; those that it has stay as they are. */
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
 * A transform gives the table of some aggregates another shape, and leaves every item of theirs as it is: what they hold is
 * trusted on. Those that were not trusted before, or that another definition is to replace, are not concerned.
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

/** An aggregate was built from its table in this shape, which the table has got by now, and has been followed since. */
export async function trustIn(tx: MutationTransaction, name: string, shape: number): Promise<void> {
  const record = (await readRecords(tx)).get(name);
  if (record !== undefined) await tx.system("").patch(record._id, { shape }, table);
}

/** Remembers what went wrong, or that it is over. */
export async function noteProblem(
  tx: MutationTransaction,
  name: string,
  problem: AggregateProblem | null,
): Promise<void> {
  const record = (await readRecords(tx)).get(name);
  if (record !== undefined) await tx.system("").patch(record._id, { problem }, table);
}

/** Only this room writes the table, so its rows are what it wrote. */
async function readAll(reader: DatabaseReader): Promise<(AggregateRecord & Document)[]> {
  if (!reader.tables().includes(table)) return [];
  const stream = reader.stream({
    source: { type: "FullTableScan", tableName: table, order: "asc" },
    operators: [],
  });
  const documents = await stream.take(Infinity);
  stream.close();
  return documents as unknown as (AggregateRecord & Document)[];
}
