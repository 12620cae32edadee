/** Reads the small tables that pushed code is kept in. */
import type { DatabaseReader, Document } from "../../database/index.js";

/**
 * Every document of a table in order of creation; none when the table is not there yet.
 * Only this room writes these tables, so their rows are what it wrote.
 */
export async function readAll<Row>(reader: DatabaseReader, tableName: string): Promise<(Row & Document)[]> {
  if (!reader.tables().includes(tableName)) return [];
  const stream = reader.stream({ source: { type: "FullTableScan", tableName, order: "asc" }, operators: [] });
  const documents = await stream.take(Infinity);
  stream.close();
  return documents as (Row & Document)[];
}
