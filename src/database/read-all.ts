/** Reads small tables of the system whole. */
import type { Document } from "./documents/document.js";
import type { DatabaseReader } from "./transaction/types.js";

/**
 * Every document of a table in order of creation; none when the table is not there yet.
 * For tables that only one room writes: their rows are what it wrote.
 */
export async function readAll<Row>(reader: DatabaseReader, tableName: string): Promise<(Row & Document)[]> {
  if (!reader.tables().includes(tableName)) return [];
  const stream = reader.stream({ source: { type: "FullTableScan", tableName, order: "asc" }, operators: [] });
  const documents = await stream.take(Infinity);
  stream.close();
  return documents as (Row & Document)[];
}
