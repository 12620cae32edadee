/**
 * One component instance with its code imported: its functions by path, the components mounted in it, its crons, its HTTP
 * router, its triggers and its managed aggregates. It resolves each function reference once, so a nested call finds its
 * target by one look into a map. Where the program is loaded on demand, `prepare` imports a module just before it is needed.
 */
import { shown, TrueupError } from "../../errors/index.js";
import { closestName } from "./closest-name.js";
import type { ComponentProgram } from "./component-program.js";
import { withEnvironment } from "./environment.js";
import { ExportedAggregates } from "./exported-aggregates.js";
import { ExportedDeclarations, ExportedTriggers } from "./exported-declarations.js";
import {
  formatFunctionPath,
  isFunctionModule,
  moduleFailed,
  parseFunctionPath,
  type ModuleLoader,
} from "./modules.js";
import { functionsOfModule, type RegisteredFunction } from "./registered-function.js";

/** One function, ready to run. */
export interface LoadedFunction extends RegisteredFunction {
  readonly component: LoadedComponent;
}

/** Where a function is. */
export interface FunctionPlace {
  readonly component: LoadedComponent;
  /** `dir/mod:fn` */
  readonly path: string;
}

/** The part of an `HttpRouter` that is relied on. */
export interface Router {
  lookup(path: string, method: string): readonly [handler: object, method: string, path: string] | null;
}

/** A cron job as `crons.ts` declares it, in the JSON of `crons.export()`. */
export interface CronSpec {
  /** `dir/mod:fn` of the same component. */
  readonly name: string;
  /** One element: the arguments in JSON encoding. */
  readonly args: readonly unknown[];
  readonly schedule: Readonly<Record<string, unknown>> & { readonly type: string };
}

export class LoadedComponent {
  /** "" is the app; "a/b" is a component mounted in a component. */
  readonly path: string;
  readonly program: ComponentProgram;
  readonly functions: Map<string, LoadedFunction> = new Map();
  readonly children: Map<string, LoadedComponent> = new Map();
  readonly triggers: ExportedTriggers = new ExportedTriggers();
  readonly aggregates: ExportedAggregates = new ExportedAggregates();
  readonly declarations: ExportedDeclarations = new ExportedDeclarations();
  crons: Readonly<Record<string, CronSpec>> = {};
  router: Router | null = null;
  /** What modules threw while they were imported, by module path. */
  readonly failures: Map<string, unknown> = new Map();
  readonly #resolved = new Map<string, LoadedFunction>();
  /** Loaders of the modules that are imported when they are first needed; null when all were imported at once. */
  #waiting: Map<string, ModuleLoader> | null = null;
  readonly #importing = new Map<string, Promise<void>>();

  constructor(program: ComponentProgram) {
    this.path = program.path;
    this.program = program;
  }

  /** Imports the modules and takes up what they export. Keeps what they throw in `failures`. */
  async load(): Promise<void> {
    const modules = Object.entries(this.program.modules)
      .filter(([modulePath]) => isFunctionModule(modulePath))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const imports = withEnvironment(this.program.env ?? {}, () =>
      modules.map(async ([modulePath, load]) => {
        try {
          return [modulePath, await load()] as const;
        } catch (error) {
          this.failures.set(modulePath, error);
          return null;
        }
      }),
    );
    for (const imported of await Promise.all(imports)) {
      if (imported === null) {
        continue;
      }
      const [modulePath, module] = imported;
      try {
        this.#take(modulePath, module);
      } catch (error) {
        this.failures.set(modulePath, error);
      }
    }
  }

  /** Names the aggregates, once the modules are imported and the components are mounted. Returns what is wrong with them. */
  settleAggregates(): TrueupError[] {
    const tables = this.program.schema?.tables.map(({ tableName }) => tableName) ?? null;
    return this.aggregates.settle({
      path: this.path,
      childNames: [...this.children.keys()],
      tableNames: this.program.schema?.schemaValidation === true ? tables : null,
    });
  }

  /** Imports nothing now; `prepare` imports each module when it is asked for it. */
  loadOnDemand(): void {
    this.#waiting = new Map(Object.entries(this.program.modules));
  }

  /**
   * Imports the module of the function that a reference names, unless that was done or there is no such module. Returns null
   * when there is nothing to wait for. What the module throws is thrown again when the reference is resolved.
   */
  prepare(reference: string): Promise<void> | null {
    if (this.#waiting === null || this.#resolved.has(reference)) {
      return null;
    }
    if (!reference.startsWith("_reference/")) {
      return this.prepareModule(parseFunctionPath(reference).modulePath);
    }
    const [, type, name = "", ...path] = reference.split("/");
    return type === "function"
      ? this.prepare([name, ...path].join("/"))
      : (this.children.get(name)?.prepareModule(path.slice(0, -1).join("/")) ?? null);
  }

  /** Imports one module that waits to be imported on demand. Returns null when there is nothing to wait for. */
  prepareModule(modulePath: string): Promise<void> | null {
    const load = this.#waiting?.get(modulePath);
    if (load === undefined) {
      return null;
    }
    let importing = this.#importing.get(modulePath);
    if (importing === undefined) {
      importing = this.#importOne(modulePath, load);
      this.#importing.set(modulePath, importing);
    }
    return importing;
  }

  /** Imports all modules that wait to be imported on demand. Their exported triggers are still left alone. */
  async prepareAll(): Promise<void> {
    const waiting = [...(this.#waiting?.keys() ?? [])].filter(isFunctionModule);
    await Promise.all(waiting.map(async (modulePath) => await this.prepareModule(modulePath)));
  }

  async #importOne(modulePath: string, load: ModuleLoader): Promise<void> {
    try {
      const module = await withEnvironment(this.program.env ?? {}, load);
      this.#take(modulePath, module);
    } catch (error) {
      this.failures.set(modulePath, error);
    }
    this.#waiting?.delete(modulePath);
  }

  /** The function at `dir/mod:fn` of this component. @throws FUNCTION_NOT_FOUND, MODULE_FAILED */
  functionAt(text: string): LoadedFunction {
    const known = this.functions.get(text);
    if (known !== undefined) {
      return known;
    }
    const path = parseFunctionPath(text);
    const canonical = formatFunctionPath(path);
    const found = this.functions.get(canonical);
    if (found !== undefined) {
      return found;
    }
    const failure = this.failures.get(path.modulePath);
    if (failure !== undefined) {
      throw moduleFailed(this.path, path.modulePath, failure);
    }
    if (this.path !== "" && Object.keys(this.program.modules).length === 0) {
      throw new TrueupError(
        "COMPONENT_MISSING",
        `Component '${this.path}' is mounted, but its code was not given.`,
        { componentPath: this.path },
      );
    }
    throw functionNotFound(this, canonical, "function");
  }

  /**
   * The function that a reference in this component's code names: by its name a function of the component itself, by
   * `_reference/childComponent/<name>/<path>` a public function of a component that is mounted in it.
   * @throws FUNCTION_NOT_FOUND, COMPONENT_MISSING, FEATURE_NOT_SUPPORTED
   */
  resolve(reference: string): LoadedFunction {
    let found = this.#resolved.get(reference);
    if (found === undefined) {
      const { component, path } = this.locate(reference);
      found = component.functionAt(path);
      if (component !== this && found.visibility !== "public") {
        throw functionNotFound(component, path, "public function");
      }
      this.#resolved.set(reference, found);
    }
    return found;
  }

  /** Where the function is that a reference names, if there is one. @throws FUNCTION_NOT_FOUND, COMPONENT_MISSING */
  locate(reference: string): FunctionPlace {
    if (!reference.startsWith("_reference/")) return { component: this, path: reference };
    const [, type, name, ...path] = reference.split("/");
    if (type === "function" && name !== undefined) {
      return { component: this, path: [name, ...path].join("/") };
    }
    const exportName = path.pop();
    if (type !== "childComponent" || name === undefined || exportName === undefined) {
      throw new TrueupError("FUNCTION_NOT_FOUND", `Could not find function for '${shown(reference)}'.`, {
        reference: shown(reference),
      });
    }
    const child = this.children.get(name);
    if (child === undefined) {
      throw componentMissing(this, name);
    }
    return { component: child, path: `${path.join("/")}:${exportName}` };
  }

  /** The path of a function whose module threw while it was imported; null for every other one. */
  failedPath(text: string): string | null {
    const path = parseFunctionPath(text);
    return this.failures.has(path.modulePath) ? formatFunctionPath(path) : null;
  }

  #take(modulePath: string, module: Readonly<Record<string, unknown>>): void {
    for (const fn of functionsOfModule(modulePath, module)) {
      this.functions.set(fn.path, { ...fn, component: this });
    }
    if (this.#waiting === null) {
      this.triggers.add(module);
      this.declarations.add(modulePath, module);
    }
    this.aggregates.add(modulePath, module);
    const main = module["default"];
    if (modulePath === "crons" && hasMark(main, "isCrons")) {
      this.crons = JSON.parse(String((main as { export(): string }).export())) as typeof this.crons;
    }
    if (modulePath === "http" && hasMark(main, "isRouter")) {
      this.router = main as unknown as Router;
    }
  }
}

function hasMark(value: unknown, mark: string): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && (value as Record<string, unknown>)[mark] === true;
}

/** The error for a call of a function that does not exist, or that the caller must not see. */
export function functionNotFound(
  component: LoadedComponent,
  path: string,
  what: "function" | "public function",
): TrueupError {
  const where = component.path === "" ? "" : ` in component '${component.path}'`;
  const visible = [...component.functions.values()].filter(
    (fn) => what === "function" || fn.visibility === "public",
  );
  const meant = closestName(
    path,
    visible.map((fn) => fn.path),
  );
  return new TrueupError(
    what === "function" ? "FUNCTION_NOT_FOUND" : "FUNCTION_NOT_PUBLIC",
    `Could not find ${what} for '${shown(path)}'${where}. ` +
      (meant === null
        ? "Did you forget to run `npx convex dev` or `npx convex deploy`?"
        : `Did you mean '${meant}'?`),
    {
      path: shown(path),
      componentPath: component.path,
      hasModule: Object.hasOwn(component.program.modules, path.slice(0, path.lastIndexOf(":"))),
      ...(meant === null ? {} : { didYouMean: meant }),
    },
  );
}

/** The error for a component that is not mounted. */
function componentMissing(parent: LoadedComponent, name: string): TrueupError {
  const path = parent.path === "" ? shown(name) : `${parent.path}/${shown(name)}`;
  const meant = closestName(name, [...parent.children.keys()]);
  return new TrueupError(
    "COMPONENT_MISSING",
    `There is no component '${path}'.${meant === null ? "" : ` Did you mean '${meant}'?`}`,
    { componentPath: path },
  );
}
