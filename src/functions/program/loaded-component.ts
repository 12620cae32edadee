/**
 * One component instance with its code imported: its functions by path, the components mounted in it,
 * its crons, its HTTP router, its triggers and managed aggregates. Function references are resolved here, once each:
 * a nested call finds its target by one look into a map. Modules that were not imported with the rest,
 * because the program is loaded on demand, are imported by `prepare` just before they are needed.
 */
import { TrueupError } from "../../errors/index.js";
import { withEnvironment } from "../execution/environment.js";
import type { ComponentProgram } from "./component-program.js";
import { ExportedAggregates } from "./exported-aggregates.js";
import { ExportedDeclarations } from "./exported-declarations.js";
import { ExportedTriggers } from "./exported-triggers.js";
import { closestName } from "./closest-name.js";
import { moduleFailed } from "./module-failed.js";
import { formatFunctionPath, isFunctionModule, parseFunctionPath, type ModuleLoader } from "./module-path.js";
import { functionsOfModule, type LoadedFunction } from "./registered-function.js";

/** What is relied on of an `HttpRouter`. */
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
  /** "" is the app, "a/b" a component mounted in a component. */
  readonly path: string;
  readonly program: ComponentProgram;
  readonly functions: Map<string, LoadedFunction> = new Map();
  readonly children: Map<string, LoadedComponent> = new Map();
  readonly triggers: ExportedTriggers = new ExportedTriggers();
  readonly aggregates: ExportedAggregates = new ExportedAggregates();
  readonly declarations: ExportedDeclarations = new ExportedDeclarations();
  crons: Readonly<Record<string, CronSpec>> = {};
  router: Router | null = null;
  /** Modules that threw while they were imported, with what they threw. */
  readonly failures: Map<string, unknown> = new Map();
  readonly #resolved = new Map<string, LoadedFunction>();
  /** Modules to be imported when they are first needed. */
  #waiting: Map<string, ModuleLoader> | null = null;
  readonly #importing = new Map<string, Promise<void>>();

  constructor(program: ComponentProgram) {
    this.path = program.path;
    this.program = program;
  }

  /** Imports the modules and takes up what they export; failures are kept in `failures`. */
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

  /** Names the aggregates, once the modules are imported and the components are mounted; returns what is wrong with them. */
  settleAggregates(): TrueupError[] {
    const tables = this.program.schema?.tables.map(({ tableName }) => tableName) ?? null;
    return this.aggregates.settle({
      path: this.path,
      childNames: [...this.children.keys()],
      tableNames: this.program.schema?.schemaValidation === true ? tables : null,
    });
  }

  /** Imports nothing now, and each module when `prepare` is asked for it. */
  loadOnDemand(): void {
    this.#waiting = new Map(Object.entries(this.program.modules));
  }

  /**
   * Imports the module of what a reference names, unless that was done or there is none; null when there is
   * nothing to wait for. What the module throws shows when the reference is resolved.
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

  /** Imports one module that was to be imported on demand; null when there is nothing to wait for. */
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

  /** Imports now what was to be imported on demand; exported triggers are left alone all the same. */
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
   * The function that a reference in this component's code names: a function of its own by name, a public
   * function of a component mounted in it by `_reference/childComponent/<name>/<path>`.
   * @throws FUNCTION_NOT_FOUND, COMPONENT_MISSING, FEATURE_NOT_SUPPORTED
   */
  resolve(reference: string): LoadedFunction {
    let found = this.#resolved.get(reference);
    if (found === undefined) {
      found = reference.startsWith("_reference/")
        ? this.#resolveReference(reference)
        : this.functionAt(reference);
      this.#resolved.set(reference, found);
    }
    return found;
  }

  #resolveReference(reference: string): LoadedFunction {
    const [, type, name, ...path] = reference.split("/");
    if (type === "function" && name !== undefined) {
      return this.functionAt([name, ...path].join("/"));
    }
    const exportName = path.pop();
    if (type !== "childComponent" || name === undefined || exportName === undefined) {
      throw new TrueupError("FUNCTION_NOT_FOUND", `Could not find function for '${reference}'.`, {
        reference,
      });
    }
    const child = this.children.get(name);
    if (child === undefined) {
      throw componentMissing(this, name);
    }
    const target = child.functionAt(`${path.join("/")}:${exportName}`);
    if (target.visibility !== "public") {
      throw functionNotFound(child, target.path, "public function");
    }
    return target;
  }

  #take(modulePath: string, module: Readonly<Record<string, unknown>>): void {
    for (const fn of functionsOfModule(this, modulePath, module)) {
      this.functions.set(fn.path, fn);
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

/** The error for a call of a function that is not there, or not to be seen from where the call is made. */
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
    `Could not find ${what} for '${path}'${where}. ` +
      (meant === null
        ? "Did you forget to run `npx convex dev` or `npx convex deploy`?"
        : `Did you mean '${meant}'?`),
    { path, componentPath: component.path, ...(meant === null ? {} : { didYouMean: meant }) },
  );
}

/** The error for a component that is not mounted. */
function componentMissing(parent: LoadedComponent, name: string): TrueupError {
  const path = parent.path === "" ? name : `${parent.path}/${name}`;
  const meant = closestName(name, [...parent.children.keys()]);
  return new TrueupError(
    "COMPONENT_MISSING",
    `There is no component '${path}'.${meant === null ? "" : ` Did you mean '${meant}'?`}`,
    { componentPath: path },
  );
}
