/**
 * The TypeScript of the documentation, as files. A block marked `ts` becomes a module in a folder of its
 * page; one whose first line is a comment with a path (`// convex/schema.ts`) becomes that file, so a page
 * can show an app of several files that import each other. Every page gets a `_generated` folder like the
 * one that `convex codegen` writes, typed from the page's own schema when it shows one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface DocBlock {
  /** Where it stands: `docs/cli.md:12`. */
  readonly place: string;
  /** The file it was written to, absolute. */
  readonly file: string;
  /** True for a block marked `ts run`. */
  readonly runs: boolean;
}

/** Writes the blocks of all pages under `target` (emptied first). Throws when a page claims a path twice. */
export function writeDocBlocks(pages: readonly string[], target: string): DocBlock[] {
  rmSync(target, { recursive: true, force: true });
  return pages.flatMap((page) => writePage(page, join(target, page.replaceAll(/[^a-z0-9]+/gi, "-"))));
}

function writePage(page: string, folder: string): DocBlock[] {
  const text = readFileSync(page, "utf8");
  const blocks = [...text.matchAll(/^```ts( run)?\n([\s\S]*?)^```$/gm)].map((match): DocBlock => {
    const line = text.slice(0, match.index).split("\n").length;
    const code = match[2] ?? "";
    const named = /^\/\/ (\S+\.ts)\n/.exec(code)?.[1];
    const file = join(folder, named ?? `block-at-line-${line}.ts`);
    if (existsSync(file)) throw new Error(`${page}:${line} claims ${named}, which an earlier block has.`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, /^(import|export)\b/m.test(code) ? code : `${code}\nexport {};\n`);
    return { place: `${page}:${line}`, file, runs: match[1] !== undefined };
  });
  if (blocks.length > 0) writeGenerated(folder);
  return blocks;
}

function writeGenerated(folder: string): void {
  const generated = join(folder, "convex", "_generated");
  mkdirSync(generated, { recursive: true });
  mkdirSync(join(folder, "_generated"), { recursive: true });
  const shown = readdirSync(join(folder, "convex")).filter((name) => name.endsWith(".ts"));
  const modules = shown
    .map((name) => name.slice(0, -".ts".length))
    .filter((name) => !["schema", "convex.config", "crons", "http"].includes(name));
  for (const [name, text] of Object.entries({
    "server.ts": server,
    "dataModel.ts": existsSync(join(folder, "convex", "schema.ts")) ? typedDataModel : anyDataModel,
    "api.ts": api(modules),
  })) {
    writeFileSync(join(generated, name), text);
    const reexport = `export * from "../convex/_generated/${name.replace(".ts", ".js")}";\n`;
    writeFileSync(join(folder, "_generated", name), reexport);
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
