/** What `trueup plan` asks a running server: the schemas in force, and which documents new ones would refuse. */
import { examineDocuments, JsonReader } from "../../deploy/index.js";
import { parseRenames, parseSchema, type SchemaJson } from "../../schema/index.js";
import type { Route } from "../http/route.js";

const maxBodyBytes = 64 * 1024 * 1024;

export const planRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/api/trueup/plan",
    isForAdmins: true,
    maxBodyBytes,
    answer: async ({ backend, body }) => {
      const request = new JsonReader(body);
      const schemas = request.field("schemas").list().map(readSchema);
      return await examineDocuments(backend.database, new Map(schemas), {
        renames: parseRenames(
          request
            .field("renames")
            .list()
            .map((rename) => rename.string()),
        ),
        readsDocuments: request.field("readsDocuments").boolean(),
      });
    },
  },
];

function readSchema(entry: JsonReader): [componentPath: string, schema: SchemaJson | null] {
  const text = entry.field("schema").optionalString();
  return [entry.field("componentPath").string(), text === undefined ? null : parseSchema(text)];
}
