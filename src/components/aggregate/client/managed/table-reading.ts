/** Reads a table for a build, page by page: in the order of creation, from a cursor on, up to what was written meanwhile. */
import type { GenericDataModel, GenericDatabaseReader } from "convex/server";
import { getDocumentSize } from "convex/values";
import { nativeStoreOf } from "../../../../seams/index.js";
import type { StoredDocument } from "./types.js";

type Database = GenericDatabaseReader<GenericDataModel>;

/** A page ends when its documents grow large: a transaction may read 16 MiB. */
const pageBytes = 2 << 20;

/** The last document that was read. */
export interface Cursor {
  readonly creationTime: number;
  readonly id: string;
}

/** How large a table is, as far as that is known. */
export interface TableSize {
  total: number | null;
  span: { first: number; last: number } | null;
}

/** Bounds of an index, for a table known only at run time. */
interface DynamicBounds {
  eq(field: string, value: unknown): DynamicBounds;
  gt(field: string, value: unknown): DynamicBounds;
}

/** Reads at most `limit` documents behind the cursor; `isDone` says that there are no more. */
export async function readPage(
  db: Database,
  table: string,
  cursor: Cursor | undefined,
  limit: number,
): Promise<{ documents: StoredDocument[]; isDone: boolean }> {
  const documents: StoredDocument[] = [];
  let bytes = 0;
  for (const bounds of boundsBehind(cursor)) {
    for await (const document of inOrderOfCreation(db, table, bounds)) {
      documents.push(document);
      bytes += getDocumentSize(document);
      if (documents.length >= limit || bytes >= pageBytes) return { documents, isDone: false };
    }
  }
  return { documents, isDone: true };
}

/** The number of a table's documents where the database keeps it; elsewhere when the first and the last were created. */
export async function sizeOf(db: Database, table: string): Promise<TableSize> {
  const total = await countDocuments(db, table);
  if (total !== null) return { total, span: null };
  const first = await endOf(db, table, "asc");
  const last = await endOf(db, table, "desc");
  return { total, span: first === null || last === null ? null : { first, last } };
}

async function endOf(db: Database, table: string, order: "asc" | "desc"): Promise<number | null> {
  const document = await db.query(table).order(order).first();
  return document === null ? null : (document as StoredDocument)._creationTime;
}

/** The number of documents, or null where the database does not keep it: counting would read the whole table. */
export async function countDocuments(db: object, table: string): Promise<number | null> {
  return (await nativeStoreOf(db)?.count(table)) ?? null;
}

/** The ranges behind a cursor: what was created at the same time and has a later id, then what was created later. */
function boundsBehind(cursor: Cursor | undefined): ((q: DynamicBounds) => DynamicBounds)[] {
  if (cursor === undefined) return [(q) => q];
  const { creationTime, id } = cursor;
  return [
    (q) => q.eq("_creationTime", creationTime).gt("_id", id),
    (q) => q.gt("_creationTime", creationTime),
  ];
}

function inOrderOfCreation(
  db: Database,
  table: string,
  bounds: (q: DynamicBounds) => DynamicBounds,
): AsyncIterable<StoredDocument> {
  const query = db
    .query(table)
    .withIndex("by_creation_time", (q) => bounds(q as unknown as DynamicBounds) as never);
  return query as unknown as AsyncIterable<StoredDocument>;
}
