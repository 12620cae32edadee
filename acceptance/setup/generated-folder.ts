/**
 * Writes a `_generated` folder like the one that `convex codegen` writes into a folder of functions, typed from the
 * folder's own schema when it has one.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** @param folder The folder of functions. */
export function writeGenerated(folder: string): void {
  const generated = join(folder, "_generated");
  mkdirSync(generated, { recursive: true });
  const shown = readdirSync(folder).filter((name) => name.endsWith(".ts"));
  const modules = shown
    .map((name) => name.slice(0, -".ts".length))
    .filter((name) => !["schema", "convex.config", "crons", "http"].includes(name));
  for (const [name, text] of Object.entries({
    "server.ts": server,
    "dataModel.ts": existsSync(join(folder, "schema.ts")) ? typedDataModel : anyDataModel,
    "api.ts": api(modules),
  })) {
    writeFileSync(join(generated, name), text);
  }
}

const server = `
import * as generic from "convex/server";
import type { DataModel } from "./dataModel.js";
export const query: generic.QueryBuilder<DataModel, "public"> = generic.queryGeneric;
export const internalQuery: generic.QueryBuilder<DataModel, "internal"> = generic.internalQueryGeneric;
export const mutation: generic.MutationBuilder<DataModel, "public"> = generic.mutationGeneric;
export const internalMutation: generic.MutationBuilder<DataModel, "internal"> = generic.internalMutationGeneric;
export const action: generic.ActionBuilder<DataModel, "public"> = generic.actionGeneric;
export const internalAction: generic.ActionBuilder<DataModel, "internal"> = generic.internalActionGeneric;
export const httpAction: generic.HttpActionBuilder = generic.httpActionGeneric;
export type QueryCtx = generic.GenericQueryCtx<DataModel>;
export type MutationCtx = generic.GenericMutationCtx<DataModel>;
export type ActionCtx = generic.GenericActionCtx<DataModel>;
`;

const anyDataModel = `
import type { AnyDataModel, GenericDocument } from "convex/server";
import type { GenericId } from "convex/values";
export type DataModel = AnyDataModel;
export type Doc<Table extends string> = GenericDocument & { _id: GenericId<Table>; _creationTime: number };
export type Id<Table extends string> = GenericId<Table>;
`;

const typedDataModel = `
import type { DataModelFromSchemaDefinition, DocumentByName, TableNamesInDataModel } from "convex/server";
import type { GenericId } from "convex/values";
import type schema from "../schema.js";
export type DataModel = DataModelFromSchemaDefinition<typeof schema>;
export type Doc<Table extends TableNamesInDataModel<DataModel>> = DocumentByName<DataModel, Table>;
export type Id<Table extends TableNamesInDataModel<DataModel> | "_scheduled_functions"> = GenericId<Table>;
`;

/** References typed from the page's own modules; the components of an app are not known here. */
function api(modules: readonly string[]): string {
  if (modules.length === 0) {
    return `
import { anyApi, componentsGeneric } from "convex/server";
export const api = anyApi;
export const internal = anyApi;
export const components: any = componentsGeneric();
`;
  }
  return `
import { anyApi, componentsGeneric, type ApiFromModules, type FilterApi, type FunctionReference } from "convex/server";
${modules.map((name) => `import type * as ${name} from "../${name}.js";`).join("\n")}
type All = ApiFromModules<{ ${modules.map((name) => `${name}: typeof ${name}`).join("; ")} }>;
export const api = anyApi as unknown as FilterApi<All, FunctionReference<any, "public">>;
export const internal = anyApi as unknown as FilterApi<All, FunctionReference<any, "internal">>;
export const components: any = componentsGeneric();
`;
}
