/** The number of documents in a table, where the database keeps it: Trueup does, in O(1). */
import type { GenericDatabaseReader, GenericDataModel } from "convex/server";
import { nativeTriggers } from "../../../seams/index.js";

interface ConvexGlobal {
  asyncSyscall(operation: string, args: string): Promise<string>;
}

/**
 * The documents in `table`, or null when the database does not keep the number. Convex Cloud is never asked:
 * counting there reads the whole table and makes the batch conflict with every insert.
 */
export async function countDocuments(
  db: GenericDatabaseReader<GenericDataModel>,
  table: string,
): Promise<number | null> {
  const { Convex } = globalThis as { Convex?: ConvexGlobal };
  if (!(nativeTriggers in db) || Convex === undefined) return null;
  const count: unknown = JSON.parse(await Convex.asyncSyscall("1.0/count", JSON.stringify({ table })));
  return typeof count === "number" ? count : null;
}
