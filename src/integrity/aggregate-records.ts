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

/** Makes the records those of these aggregates: new ones begin now. */
export async function keepRecords(
  tx: MutationTransaction,
  aggregates: readonly Pick<AggregateRecord, "name" | "definition" | "shape">[],
): Promise<void> {
  const writer = tx.system("");
  const known = await readRecords(tx);
  for (const { name, definition, shape } of aggregates) {
    const record = known.get(name);
    known.delete(name);
    if (record?.definition === definition && record.shape === shape) continue;
    const fields = { name, definition, shape, sinceMs: record?.sinceMs ?? tx.beganAtMs, problem: null };
    if (record === undefined) await writer.insert(table, fields);
    else await writer.replace(record._id, fields, table);
  }
  for (const { _id } of known.values()) await writer.delete(_id, table);
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
