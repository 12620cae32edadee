/** The schemas that writes are held to now, whoever put them in place. */
import type { Database } from "../../database/index.js";
import type { SchemaJson } from "../../schema/index.js";
import type { Schemas } from "../code/program-code.js";

/** By component path; null where there is none. */
export async function schemasInForce(database: Database, paths: Iterable<string>): Promise<Schemas> {
  return await database.inspect((state) => {
    const schemaOf = (path: string): SchemaJson | null => state.catalog.components.get(path)?.schema ?? null;
    return Promise.resolve(new Map([...paths].map((path) => [path, schemaOf(path)])));
  });
}
