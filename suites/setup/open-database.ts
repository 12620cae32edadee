/** A database to try things out on, in memory, and the calls that its tests are made of. */
import type { Value } from "convex/values";
import {
  Database,
  type DatabaseOptions,
  type Document,
  type MutationTransaction,
  type Query,
  type RangeBound,
} from "../../src/database/index.js";
import { parseSchema, type SchemaJson, type SchemaSource } from "../../src/schema/index.js";
import { memory } from "../../src/storage/memory/index.js";

export async function openDatabase(options: DatabaseOptions = {}): Promise<Database> {
  return await Database.open(await memory()(), options);
}

/** Runs one mutation and hands its result on. */
export async function mutate<T>(
  database: Database,
  run: (tx: MutationTransaction) => Promise<T>,
): Promise<T> {
  return (await database.mutate(run)).value;
}

/** Sets the app's schema and waits for its indexes. */
export async function setSchema(database: Database, schema: SchemaSource): Promise<void> {
  const json: SchemaJson = parseSchema(schema);
  await database.mutate((tx) => tx.applySchema("", json));
  await database.background.whenIdle();
}

/** A whole table in order of creation. */
export function fullScan(tableName: string, order: "asc" | "desc" = "asc"): Query {
  return { source: { type: "FullTableScan", tableName, order }, operators: [] };
}

/** A range of an index, "table.index"; bounds like ["Gte", "age", 3]. */
export function indexRange(
  indexName: string,
  ...bounds: readonly (readonly [RangeBound["type"], string, Value | undefined])[]
): Query {
  const range = bounds.map(([type, fieldPath, value]) => ({ type, fieldPath, value }));
  return { source: { type: "IndexRange", indexName, range, order: "asc" }, operators: [] };
}

/** All documents of a query, as a later reader sees them. */
export async function readAll(database: Database, query: Query): Promise<Document[]> {
  const { value } = await database.query((tx) => tx.component("").stream(query).take(Infinity), {
    limits: null,
  });
  return value;
}
