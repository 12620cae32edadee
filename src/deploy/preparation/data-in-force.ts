/** What a deploy has to know of the data before it decides anything: tables, counts, applied steps, pending schemas. */
import type { Database, QueryTransaction, SchemaState } from "../../database/index.js";
import { readSteps, type AppliedStep } from "../steps/step-history.js";

export interface ComponentData {
  /** How many documents each table has. */
  readonly documents: ReadonlyMap<string, number>;
  readonly schemaState: SchemaState;
}

export interface DataInForce {
  /** Of all components, in the order they were applied. */
  readonly history: readonly AppliedStep[];
  readonly components: ReadonlyMap<string, ComponentData>;
}

/** O(tables + steps). */
export async function dataInForce(database: Database, paths: Iterable<string>): Promise<DataInForce> {
  const read = async (tx: QueryTransaction): Promise<DataInForce> => {
    const components = new Map<string, ComponentData>();
    for (const path of paths) {
      const reader = tx.component(path);
      const documents = new Map<string, number>();
      for (const table of reader.tables()) documents.set(table, await reader.count(table));
      components.set(path, { documents, schemaState: tx.schemaState(path) });
    }
    return { history: await readSteps(tx.system("")), components };
  };
  return (await database.query(read, { limits: null })).value;
}
