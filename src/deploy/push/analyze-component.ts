/**
 * Tells the CLI what the code of a definition holds: the functions of each module with their validators, its cron jobs and its
 * HTTP routes. It reads the loaded component, so that what is announced and what runs cannot differ.
 */
import { TrueupError } from "../../errors/index.js";
import {
  parseFunctionPath,
  type FunctionKind,
  type LoadedComponent,
  type LoadedFunction,
} from "../../functions/index.js";
import type { ModuleEnvironment } from "./push-request.js";

export interface AnalyzedFunction {
  readonly name: string;
  /** The place in the source; not known. */
  readonly pos: null;
  readonly udfType: "Query" | "Mutation" | "Action";
  readonly visibility: { readonly kind: "public" | "internal" };
  /** A validator as JSON text. */
  readonly args: string;
  /** A validator as JSON text, "null" when there is none. */
  readonly returns: string;
}

export interface HttpRoute {
  readonly path: string;
  readonly method: string;
}

export interface AnalyzedModule {
  readonly functions: readonly AnalyzedFunction[];
  readonly httpRoutes: readonly HttpRoute[] | null;
  readonly cronSpecs: readonly unknown[] | null;
  readonly sourceMapped: null;
}

const kinds = { query: "Query", mutation: "Mutation", action: "Action" } as const satisfies Record<
  FunctionKind,
  AnalyzedFunction["udfType"]
>;

/**
 * By module path with extension (`dir/mod.js`), every module of functions, also one without any.
 * @param environments What each module asked for.
 * @throws INVALID_FUNCTION when a module for Node holds anything but actions
 */
export function analyzeComponent(
  component: LoadedComponent,
  environments: ReadonlyMap<string, ModuleEnvironment>,
): Record<string, AnalyzedModule> {
  const byModule = new Map<string, AnalyzedFunction[]>();
  for (const modulePath of Object.keys(component.program.modules).toSorted()) byModule.set(modulePath, []);
  for (const fn of [...component.functions.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const { modulePath, exportName } = parseFunctionPath(fn.path);
    if (environments.get(modulePath) === "node" && fn.kind !== "action") throw notAnAction(fn);
    byModule.get(modulePath)?.push(analyzeFunction(fn, exportName));
  }
  const analyzed: Record<string, AnalyzedModule> = {};
  for (const [modulePath, functions] of byModule) {
    analyzed[`${modulePath}.js`] = {
      functions,
      httpRoutes: modulePath === "http" ? httpRoutes(component) : null,
      cronSpecs: modulePath === "crons" ? Object.entries(component.crons) : null,
      sourceMapped: null,
    };
  }
  return analyzed;
}

/** The routes of a component's `http` module; null when it has none. */
export function httpRoutes(component: LoadedComponent): HttpRoute[] | null {
  const { router } = component;
  if (router === null || !listsRoutes(router)) return null;
  return router.getRoutes().map(([path, method]) => ({ path, method }));
}

interface RouteList {
  getRoutes(): readonly (readonly [path: string, method: string, handler: object])[];
}

function listsRoutes(router: object): router is RouteList {
  return "getRoutes" in router && typeof router.getRoutes === "function";
}

/** The paths (`dir/mod:fn`) of the functions that other components may call. */
export function publicFunctions(component: LoadedComponent): string[] {
  return [...component.functions.values()].filter((fn) => fn.visibility === "public").map((fn) => fn.path);
}

function analyzeFunction(fn: LoadedFunction, name: string): AnalyzedFunction {
  return {
    name,
    pos: null,
    udfType: kinds[fn.kind],
    visibility: { kind: fn.visibility },
    args: JSON.stringify(fn.args?.validator ?? { type: "any" }),
    returns: JSON.stringify(fn.returns?.validator ?? null),
  };
}

function notAnAction(fn: LoadedFunction): TrueupError {
  return new TrueupError(
    "INVALID_FUNCTION",
    `\`${fn.path}\` is a ${fn.kind} in a module with "use node": only actions may run in Node.js.`,
    { path: fn.path, kind: fn.kind },
  );
}
