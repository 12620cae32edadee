/**
 * Imports the code of a push and looks at what it holds, without putting it in place. A module that does not import, a cron
 * job without its function or a query that asks for Node ends the push here.
 */
import { importShifted } from "../../database/index.js";
import type { ComponentProgram, LoadedComponent, LoadedProgram } from "../../functions/index.js";
import {
  analyzeComponent,
  httpRoutes,
  publicFunctions,
  type AnalyzedModule,
  type HttpRoute,
} from "./analyze-component.js";
import { checkCrons } from "./check-crons.js";
import { buildAlone, buildProgram, modulePathOf, type BuiltProgram } from "../code/build-program.js";
import type { DefinitionCode, ProgramCode } from "../code/program-code.js";
import { definitionExports, instanceExports, type ResolvedExport } from "../definitions/component-exports.js";
import type { ComponentDefinition } from "../definitions/convex-config.js";
import type { ComponentInstance, Environment } from "../definitions/component-tree.js";

/** Imports a program's modules. */
export type Load = (program: ComponentProgram) => Promise<LoadedProgram>;

/** One definition as the CLI wants to know it. */
export interface AnalyzedDefinition {
  /** With its exports. */
  readonly definition: ComponentDefinition;
  readonly schema: DefinitionCode["schema"];
  /** By module path with extension. */
  readonly functions: Readonly<Record<string, AnalyzedModule>>;
  readonly serverVersion: string;
}

/** One instance as the CLI wants to know it, with those mounted in it. */
export interface CheckedComponent {
  readonly definitionPath: string;
  readonly componentPath: string;
  readonly args: Readonly<Record<string, never>>;
  readonly childComponents: Readonly<Record<string, CheckedComponent>>;
  readonly httpRoutes: {
    readonly httpModuleRoutes: readonly HttpRoute[] | null;
    readonly mounts: readonly string[];
  };
  readonly exports: Readonly<Record<string, ResolvedExport>>;
}

export interface LoadedPush extends BuiltProgram {
  readonly loaded: LoadedProgram;
  readonly analysis: Readonly<Record<string, AnalyzedDefinition>>;
  readonly app: CheckedComponent;
  /** Imports the code once more. */
  readonly anew: () => Promise<LoadedProgram>;
}

/** @throws MODULE_FAILED, INVALID_FUNCTION, FUNCTION_NOT_FOUND */
export async function loadPush(
  code: ProgramCode,
  env: Environment,
  folder: string,
  load: Load,
): Promise<LoadedPush> {
  const built = buildProgram(code, env, folder);
  const loaded = await load(built.program);
  checkCrons(loaded);
  const mounted = new Map<string, LoadedComponent>();
  for (const component of loaded.components.values()) {
    mounted.set(component.program.definitionPath ?? "", component);
  }
  const analysis: Record<string, AnalyzedDefinition> = {};
  for (const [path, definitionCode] of code.definitions) {
    const component = mounted.get(path) ?? (await load(buildAlone(definitionCode, folder))).root;
    analysis[path] = analyze(definitionCode, component);
  }
  const anew = (): Promise<LoadedProgram> => loadAnew(code, env, folder, load);
  return { ...built, loaded, analysis, app: checked(built.tree, loaded), anew };
}

/**
 * Imports the code of a push once more, as instances of their own that see another clock and another environment; modules that
 * fail with these see the usual ones.
 */
async function loadAnew(
  code: ProgramCode,
  env: Environment,
  folder: string,
  load: Load,
): Promise<LoadedProgram> {
  const importOnce = (): Promise<LoadedProgram> => load(buildProgram(code, env, folder).program);
  try {
    return await importShifted(importOnce);
  } catch {
    return await importOnce();
  }
}

function analyze(code: DefinitionCode, component: LoadedComponent): AnalyzedDefinition {
  const environments = new Map(
    code.modules.map(({ path, environment }) => [modulePathOf(path), environment]),
  );
  const isApp = code.definition.path === "";
  const exports = isApp ? code.definition.exports : definitionExports(publicFunctions(component));
  return {
    definition: { ...code.definition, exports },
    schema: code.schema,
    functions: analyzeComponent(component, environments),
    serverVersion: code.serverVersion,
  };
}

function checked(instance: ComponentInstance, loaded: LoadedProgram): CheckedComponent {
  const { componentPath, definition } = instance;
  const component = loaded.component(componentPath);
  return {
    definitionPath: definition.path,
    componentPath,
    args: {},
    childComponents: Object.fromEntries(
      Object.entries(instance.children).map(([name, child]) => [name, checked(child, loaded)]),
    ),
    httpRoutes: {
      httpModuleRoutes: httpRoutes(component),
      mounts: Object.keys(definition.httpMounts),
    },
    exports: componentPath === "" ? {} : instanceExports(componentPath, publicFunctions(component)),
  };
}
