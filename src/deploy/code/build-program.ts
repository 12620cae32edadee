/** Makes stored code a program that can be loaded: the tree of instances, with their modules as files to import. */
import { isFunctionModule, type ComponentProgram, type ModuleLoader } from "../../functions/index.js";
import { componentTree, type ComponentInstance, type Environment } from "../definitions/component-tree.js";
import type { CodeFiles, CodeFolder } from "./code-folder.js";
import { importUrl } from "./import-source.js";
import { definitionsOf, type DefinitionCode, type ProgramCode } from "./program-code.js";

export interface BuiltProgram {
  readonly program: ComponentProgram;
  readonly tree: ComponentInstance;
  /** The names of the folders that its code is in. */
  readonly folders: ReadonlySet<string>;
}

/** Writes the code as files where it is not there yet, or `anew` as files of its own; imports nothing. */
export async function buildProgram(
  code: ProgramCode,
  env: Environment,
  folder: CodeFolder,
  anew?: "anew",
): Promise<BuiltProgram> {
  const folders = new Set<string>();
  const build = async (instance: ComponentInstance): Promise<ComponentProgram> => {
    const { definition, componentPath } = instance;
    const definitionCode = code.definitions.get(definition.path);
    if (definitionCode === undefined) throw new Error(`no code of ${definition.path}`);
    const files = await folder.write(definitionCode.modules, instance.env, anew);
    folders.add(files.name);
    const children: Record<string, ComponentProgram> = {};
    for (const [name, child] of Object.entries(instance.children)) children[name] = await build(child);
    return {
      path: componentPath,
      definitionPath: definition.path,
      modules: loaders(definitionCode, files),
      schema: definitionCode.schema,
      children,
      env: instance.env,
    };
  };
  const tree = componentTree(definitionsOf(code), env);
  return { program: { ...(await build(tree)), auth: code.auth }, tree, folders };
}

/** Builds a definition by itself, as if it were the app: for one that is pushed but not mounted. */
export async function buildAlone(code: DefinitionCode, folder: CodeFolder): Promise<ComponentProgram> {
  const files = await folder.write(code.modules, {});
  const { path } = code.definition;
  return { path: "", definitionPath: path, modules: loaders(code, files), schema: null, children: {} };
}

/** The path of a module as it stands in the names of functions: `dir/mod`. */
export function modulePathOf(path: string): string {
  return path.replace(/\.[cm]?js$/, "");
}

function loaders(code: DefinitionCode, files: CodeFiles): Record<string, ModuleLoader> {
  const found: Record<string, ModuleLoader> = {};
  for (const { path } of code.modules) {
    const modulePath = modulePathOf(path);
    if (!isFunctionModule(modulePath)) continue;
    found[modulePath] = () => importUrl(files.url(path));
  }
  return found;
}
