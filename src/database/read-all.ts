/** Reads tables of the system, the small ones whole. */
import type { Document } from "./documents/document.js";
import type { DatabaseReader } from "./transaction/types.js";

/**
 * Every document of a table, or so many of the oldest, in order of creation; none when the table is not there yet.
 * For tables that only one room writes: their rows are what it wrote.
 */
export async function readAll<Row>(
  reader: DatabaseReader,
  tableName: string,
  take: number = Infinity,
): Promise<(Row & Document)[]> {
  if (!reader.tables().includes(tableName)) return [];
  const stream = reader.stream({ source: { type: "FullTableScan", tableName, order: "asc" }, operators: [] });
  const documents = await stream.take(take);
  stream.close();
  return documents as (Row & Document)[];
}
