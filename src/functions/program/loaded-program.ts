/**
 * A whole program with its code imported: every component instance by path. It makes and reads function handles,
 * `function://<component path>;<function path>`, which stay the same across restarts.
 */
import { shown, TrueupError } from "../../errors/index.js";
import type { ComponentProgram } from "./component-program.js";
import type { ExportedAggregate } from "./exported-aggregates.js";
import { LoadedComponent, type FunctionPlace, type LoadedFunction } from "./loaded-component.js";
import { moduleFailed } from "./modules.js";
import type { FunctionSpec } from "./registered-function.js";

const handlePrefix = "function://";

export interface LoadOptions {
  /** Whether a module that throws fails the load (default), or only the calls of its functions. */
  readonly moduleFailures?: "throw" | "defer";
  /**
   * Whether every module is imported now (default), or each one when a function of it is first called. Only in the first
   * case are exported triggers, aggregates, crons and the list of functions known of all modules.
   */
  readonly imports?: "all" | "onDemand";
  /** With imports on demand: imports every module of the app all the same, to find exported aggregates. */
  readonly findsAggregates?: boolean;
}

export class LoadedProgram {
  readonly root: LoadedComponent;
  readonly components: ReadonlyMap<string, LoadedComponent>;
  readonly #handles = new Map<string, LoadedFunction>();

  constructor(root: LoadedComponent, components: ReadonlyMap<string, LoadedComponent>) {
    this.root = root;
    this.components = components;
  }

  /** @throws COMPONENT_MISSING */
  component(path: string): LoadedComponent {
    const component = this.components.get(path);
    if (component === undefined) {
      throw new TrueupError("COMPONENT_MISSING", `There is no component '${shown(path)}'.`, {
        componentPath: shown(path),
      });
    }
    return component;
  }

  /** The function that a name, a reference or a handle means in the code of a component. */
  resolve(from: LoadedComponent, text: string): LoadedFunction {
    return text.startsWith(handlePrefix) ? this.#fromHandle(text) : from.resolve(text);
  }

  /**
   * The function that is to be called later, or at least its place where its module failed to import: that is the failure of
   * the call, not of whoever asks for it. What else `resolve` throws, this throws, too.
   */
  target(from: LoadedComponent, text: string): LoadedFunction | FunctionPlace {
    const isHandle = text.startsWith(handlePrefix);
    const { component, path } = isHandle ? this.#placeOf(text) : from.locate(text);
    const failed = component.failedPath(path);
    return failed === null ? this.resolve(from, text) : { component, path: failed };
  }

  /**
   * Imports what a reference or a handle needs, where modules are imported on demand. Returns null when there is nothing to wait
   * for.
   */
  prepare(from: LoadedComponent, text: string): Promise<void> | null {
    if (!text.startsWith(handlePrefix)) {
      return from.prepare(text);
    }
    const { componentPath, functionPath } = parseHandle(text);
    return this.components.get(componentPath)?.prepare(functionPath) ?? null;
  }

  /** Every function of every component, sorted by component and path. */
  functions(): FunctionSpec[] {
    const specs: FunctionSpec[] = [];
    for (const component of this.components.values()) {
      for (const fn of component.functions.values()) {
        specs.push({
          componentPath: component.path,
          path: fn.path,
          kind: fn.kind,
          visibility: fn.visibility,
          args: fn.args?.validator ?? { type: "any" },
          returns: fn.returns?.validator ?? null,
        });
      }
    }
    return specs.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  }

  /** The managed aggregates of all components, by name. */
  aggregates(): ReadonlyMap<string, ExportedAggregate> {
    const all = [...this.components.values()].flatMap(({ aggregates }) => aggregates.all);
    return new Map(all.map((found) => [found.name, found]));
  }

  #fromHandle(handle: string): LoadedFunction {
    let found = this.#handles.get(handle);
    if (found === undefined) {
      const { component, path } = this.#placeOf(handle);
      found = component.functionAt(path);
      this.#handles.set(handle, found);
    }
    return found;
  }

  #placeOf(handle: string): FunctionPlace {
    const { componentPath, functionPath } = parseHandle(handle);
    return { component: this.component(componentPath), path: functionPath };
  }
}

/** @throws FUNCTION_NOT_FOUND */
function parseHandle(handle: string): { componentPath: string; functionPath: string } {
  const [componentPath, functionPath] = handle.slice(handlePrefix.length).split(";");
  if (componentPath === undefined || functionPath === undefined) {
    throw new TrueupError("FUNCTION_NOT_FOUND", `Could not find function for handle '${shown(handle)}'.`, {
      handle: shown(handle),
    });
  }
  return { componentPath, functionPath };
}

/** The text by which any component can name a function. */
export function functionHandle({ component, path }: FunctionPlace): string {
  return `${handlePrefix}${component.path};${path}`;
}

/**
 * Imports all modules of a program. Unless failures are deferred:
 * @throws MODULE_FAILED with the first module that threw; COMPONENT_MISSING for an aggregate whose component is not mounted;
 *   AGGREGATE_COMPONENT_SHARED, AGGREGATE_TABLE_MISSING
 */
export async function loadProgram(
  program: ComponentProgram,
  options: LoadOptions = {},
): Promise<LoadedProgram> {
  const components = new Map<string, LoadedComponent>();
  const root = await loadTree(program, components, options.imports === "onDemand");
  if (options.findsAggregates === true) await root.prepareAll();
  const defers = options.moduleFailures === "defer";
  for (const component of components.values()) {
    for (const [modulePath, failure] of defers ? [] : component.failures) {
      throw moduleFailed(component.path, modulePath, failure);
    }
    const [problem] = component.settleAggregates();
    if (problem === undefined) continue;
    if (!defers || options.findsAggregates === true) throw problem;
    component.failures.set(String(problem.details["exportedAs"]), problem);
  }
  return new LoadedProgram(root, components);
}

async function loadTree(
  program: ComponentProgram,
  components: Map<string, LoadedComponent>,
  onDemand: boolean,
): Promise<LoadedComponent> {
  const component = new LoadedComponent(program);
  components.set(program.path, component);
  if (onDemand) {
    component.loadOnDemand();
  } else {
    await component.load();
  }
  for (const [name, child] of Object.entries(program.children)) {
    component.children.set(name, await loadTree(child, components, onDemand));
  }
  return component;
}

function sortKey(spec: FunctionSpec): string {
  return `${spec.componentPath}\0${spec.path}`;
}
