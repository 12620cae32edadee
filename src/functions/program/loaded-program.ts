/**
 * A whole program with its code imported: every component instance by path. Function handles are made
 * and read here: `function://<component path>;<function path>`, the same across restarts.
 */
import { TrueupError } from "../../errors/index.js";
import type { ComponentProgram } from "./component-program.js";
import { LoadedComponent } from "./loaded-component.js";
import { moduleFailed } from "./module-failed.js";
import type { FunctionSpec, LoadedFunction } from "./registered-function.js";

const handlePrefix = "function://";

export interface LoadOptions {
  /** A module that throws fails the load (default), or only the calls of its functions. */
  readonly moduleFailures?: "throw" | "defer";
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
      throw new TrueupError("COMPONENT_MISSING", `There is no component '${path}'.`, {
        componentPath: path,
      });
    }
    return component;
  }

  /** The function that a name, reference or handle means in the code of a component. */
  resolve(from: LoadedComponent, text: string): LoadedFunction {
    return text.startsWith(handlePrefix) ? this.#fromHandle(text) : from.resolve(text);
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

  #fromHandle(handle: string): LoadedFunction {
    let found = this.#handles.get(handle);
    if (found === undefined) {
      const [componentPath, functionPath] = handle.slice(handlePrefix.length).split(";");
      if (componentPath === undefined || functionPath === undefined) {
        throw new TrueupError("FUNCTION_NOT_FOUND", `Could not find function for handle '${handle}'.`, {
          handle,
        });
      }
      found = this.component(componentPath).functionAt(functionPath);
      this.#handles.set(handle, found);
    }
    return found;
  }
}

/** The text that names a function from anywhere, in any component. */
export function functionHandle(fn: LoadedFunction): string {
  return `${handlePrefix}${fn.component.path};${fn.path}`;
}

/**
 * Imports all modules of a program.
 * @throws MODULE_FAILED with the first module that threw, unless failures are deferred.
 */
export async function loadProgram(
  program: ComponentProgram,
  options: LoadOptions = {},
): Promise<LoadedProgram> {
  const components = new Map<string, LoadedComponent>();
  const root = await loadTree(program, components);
  if (options.moduleFailures !== "defer") {
    for (const component of components.values()) {
      for (const [modulePath, failure] of component.failures) {
        throw moduleFailed(component.path, modulePath, failure);
      }
    }
  }
  return new LoadedProgram(root, components);
}

async function loadTree(
  program: ComponentProgram,
  components: Map<string, LoadedComponent>,
): Promise<LoadedComponent> {
  const component = new LoadedComponent(program);
  components.set(program.path, component);
  await component.load();
  for (const [name, child] of Object.entries(program.children)) {
    component.children.set(name, await loadTree(child, components));
  }
  return component;
}

function sortKey(spec: FunctionSpec): string {
  return `${spec.componentPath}\0${spec.path}`;
}
