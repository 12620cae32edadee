/** What a deploy has to know of the data before it decides anything: schemas, tables, counts, applied steps. */
import type { Database, QueryTransaction, SchemaState } from "../../database/index.js";
import type { SchemaJson } from "../../schema/index.js";
import type { Schemas } from "../code/program-code.js";
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

/** Reads it in one snapshot. O(tables + steps). */
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

/** The schemas that writes are held to now, whoever put them in place, by component path; null where there is none. */
export async function schemasInForce(database: Database, paths: Iterable<string>): Promise<Schemas> {
  return await database.inspect((state) => {
    const schemaOf = (path: string): SchemaJson | null => state.catalog.components.get(path)?.schema ?? null;
    return Promise.resolve(new Map([...paths].map((path) => [path, schemaOf(path)])));
  });
}
