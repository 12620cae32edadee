/**
 * Makes stored code a program that can be loaded: the tree of instances, each with its modules as if they were files in the
 * code folder. There is no such file; but the place inside of the app tells where packages are that a bundle leaves out.
 */
import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import {
  convexGlobals,
  isFunctionModule,
  type ComponentProgram,
  type ModuleLoader,
} from "../../functions/index.js";
import { componentTree, type ComponentInstance, type Environment } from "../definitions/component-tree.js";
import { CodeInstance, type CodeText } from "../modules/code-instance.js";
import { inTime } from "./import-source.js";
import { definitionsOf, type CodeModule, type DefinitionCode, type ProgramCode } from "./program-code.js";
import { textOf } from "./module-texts.js";
import { locateSources } from "./source-map.js";

export interface BuiltProgram {
  readonly program: ComponentProgram;
  readonly tree: ComponentInstance;
}

/** Builds a program that is imported anew, whatever was imported before. Imports nothing yet. */
export function buildProgram(code: ProgramCode, env: Environment, folder: string): BuiltProgram {
  const build = (instance: ComponentInstance): ComponentProgram => {
    const { definition, componentPath } = instance;
    const definitionCode = code.definitions.get(definition.path);
    if (definitionCode === undefined) throw new Error(`no code of ${definition.path}`);
    const children: Record<string, ComponentProgram> = {};
    for (const [name, child] of Object.entries(instance.children)) children[name] = build(child);
    return {
      path: componentPath,
      definitionPath: definition.path,
      modules: loaders(definitionCode, folder),
      schema: definitionCode.schema,
      children,
      env: instance.env,
    };
  };
  const tree = componentTree(definitionsOf(code), env);
  return { program: { ...build(tree), auth: code.auth, codeId: codeIdOf(code) }, tree };
}

function codeIdOf({ definitions }: ProgramCode): string {
  const hashes = [...definitions.values()].flatMap(({ modules }) => modules.map(({ sha256 }) => sha256));
  return createHash("sha256").update(hashes.toSorted().join()).digest("hex");
}

/** Builds a definition by itself, as if it were the app: for one that is pushed but not mounted. */
export function buildAlone(code: DefinitionCode, folder: string): ComponentProgram {
  const { path } = code.definition;
  return { path: "", definitionPath: path, modules: loaders(code, folder), schema: null, children: {} };
}

/** The path of a module as it stands in the names of functions: `dir/mod`. */
export function modulePathOf(path: string): string {
  return path.replace(/\.[cm]?js$/, "");
}

/** Imports modules as one instance with globals of its own. What they import of each other is evaluated once. */
function loaders(code: DefinitionCode, folder: string): Record<string, ModuleLoader> {
  const place = join(folder, randomUUID().slice(0, 8));
  const codes = new Map(code.modules.map((module) => [module.path, () => codeText(module, place)]));
  const instance = new CodeInstance(codes, place, convexGlobals());
  const found: Record<string, ModuleLoader> = {};
  for (const { path } of code.modules) {
    const modulePath = modulePathOf(path);
    if (!isFunctionModule(modulePath)) continue;
    found[modulePath] = () => inTime(instance.import(path));
  }
  return found;
}

/** @throws SyntaxError */
function codeText(module: CodeModule, place: string): CodeText {
  const { path, sourceMap, environment } = module;
  const text = textOf(module);
  const map = sourceMap === undefined ? null : locateSources(sourceMap, path, join(place, path));
  const sourceMapUrl =
    map === null
      ? {}
      : { sourceMapUrl: `data:application/json;base64,${Buffer.from(map).toString("base64")}` };
  return { text, isForNode: environment === "node", ...sourceMapUrl };
}
