/**
 * What the `convex.config` of every component says, as `default.export()` of the `convex` package yields it; it goes back to
 * the CLI, which generates code from it. Children are evaluated before parents: a parent's bundle imports
 * `./_componentDeps/<base64url of the child's path>`, for which a small module stands in that has what `use` reads, the
 * child's path and name. So a parent can only be evaluated when its children's names are known.
 */
import { TrueupError } from "../../errors/index.js";
import { importSource, moduleFailed, type ModuleName } from "../code/import-source.js";
import type { PushedDefinition, PushedModule } from "../push/push-request.js";

/** Where the value of a component's environment variable comes from. */
export type EnvBinding =
  | { readonly type: "value"; readonly value: string }
  /** A variable of the component that mounts it. */
  | { readonly type: "envVar"; readonly name: string };

/** One `use` of a component. */
export interface ChildComponent {
  readonly name: string;
  /** Of its definition. */
  readonly path: string;
  readonly args: readonly unknown[];
  readonly env: readonly (readonly [name: string, binding: EnvBinding])[] | null;
}

/** A declared environment variable; the validator is JSON text. */
export interface DeclaredEnv {
  readonly type: "value";
  readonly value: string;
  readonly optional?: boolean;
}

/** What other components may call: nested by module path, a leaf is a reference. */
export type ExportNode =
  | { readonly type: "leaf"; readonly leaf: string }
  | { readonly type: "branch"; readonly branch: readonly (readonly [name: string, node: ExportNode])[] };

export interface ComponentDefinition {
  readonly path: string;
  readonly definitionType:
    | { readonly type: "app" }
    | { readonly type: "childComponent"; readonly name: string };
  readonly childComponents: readonly ChildComponent[];
  /** References to child components by path prefix. */
  readonly httpMounts: Readonly<Record<string, string>>;
  readonly exports: Extract<ExportNode, { type: "branch" }>;
  readonly envVars?: readonly (readonly [name: string, declared: DeclaredEnv])[];
}

/** The app without a `convex.config`. */
export const plainApp: ComponentDefinition = {
  path: "",
  definitionType: { type: "app" },
  childComponents: [],
  httpMounts: {},
  exports: { type: "branch", branch: [] },
  envVars: [],
};

/**
 * The definitions by path, the app's ("") among them.
 * @throws MODULE_FAILED, INVALID_COMPONENTS
 */
export async function evaluateDefinitions(
  pushed: readonly PushedDefinition[],
): Promise<ReadonlyMap<string, ComponentDefinition>> {
  const byPath = new Map(pushed.map((definition) => [definition.definitionPath, definition]));
  const evaluated = new Map<string, ComponentDefinition>();
  const evaluate = async (path: string, importers: readonly string[]): Promise<ComponentDefinition> => {
    const known = evaluated.get(path);
    if (known !== undefined) return known;
    const definition = byPath.get(path);
    if (definition === undefined) throw notPushed(path, importers.at(-1) ?? "");
    if (importers.includes(path)) throw cycle([...importers, path]);
    const children: ComponentDefinition[] = [];
    for (const child of definition.dependencies) {
      children.push(await evaluate(child, [...importers, path]));
    }
    const result = await evaluateOne(path, definition.definition, children);
    evaluated.set(path, result);
    return result;
  };
  for (const path of byPath.keys()) await evaluate(path, []);
  for (const definition of evaluated.values()) checkChildren(definition, evaluated);
  return evaluated;
}

async function evaluateOne(
  path: string,
  module: PushedModule | null,
  children: readonly ComponentDefinition[],
): Promise<ComponentDefinition> {
  if (module === null) return plainApp;
  const name: ModuleName = { definitionPath: path, modulePath: module.path };
  const linked = new Map(children.map(standIn));
  const exported = (await importSource(name, module.source, { linked }))["default"];
  if (!isExporter(exported)) {
    throw moduleFailed(name, new Error("its default export must be made by defineApp or defineComponent"));
  }
  let definition: Omit<ComponentDefinition, "path">;
  try {
    definition = exported.export();
  } catch (error) {
    throw moduleFailed(name, error);
  }
  if ((definition.definitionType.type === "app") !== (path === "")) {
    const [here, there] = path === "" ? ["defineApp", "an app"] : ["defineComponent", "a component"];
    throw moduleFailed(
      name,
      new Error(`its default export must be made by ${here}, since it is that of ${there}`),
    );
  }
  return { ...definition, path };
}

/** What stands for a child where a parent's bundle imports it. */
function standIn(child: ComponentDefinition): readonly [specifier: string, source: string] {
  const specifier = `./_componentDeps/${Buffer.from(child.path).toString("base64url")}`;
  const defaultName = child.definitionType.type === "childComponent" ? child.definitionType.name : "";
  const imported = { componentDefinitionPath: child.path, defaultName };
  return [specifier, `export default ${JSON.stringify(imported)};`];
}

function checkChildren(definition: ComponentDefinition, all: ReadonlyMap<string, ComponentDefinition>): void {
  const names = new Set<string>();
  for (const { name, path } of definition.childComponents) {
    if (!/^[A-Za-z]\w{0,63}$/.test(name)) {
      throw invalid(
        `Invalid component name ${JSON.stringify(name)}: names are letters, digits and underscores, begin with a letter, and have at most 64 characters.`,
        { name },
      );
    }
    if (names.has(name)) {
      throw invalid(
        `Two components are mounted as "${name}" in ${where(definition.path)}: give one of them another name, \`use(component, { name: "..." })\`.`,
        { name },
      );
    }
    names.add(name);
    if (!all.has(path)) throw notPushed(path, definition.path);
  }
}

interface Exporter {
  export(): Omit<ComponentDefinition, "path">;
}

function isExporter(value: unknown): value is Exporter {
  return (
    typeof value === "object" && value !== null && "export" in value && typeof value.export === "function"
  );
}

function notPushed(path: string, importer: string): TrueupError {
  return invalid(`${where(importer)} uses the component ${path}, which was not pushed with it.`, {
    path,
    importer,
  });
}

function cycle(paths: readonly string[]): TrueupError {
  const circle = paths.slice(paths.indexOf(paths.at(-1) ?? ""));
  return invalid(`Components use each other in a circle: ${circle.map(where).join(" → ")}.`, { circle });
}

function where(definitionPath: string): string {
  return definitionPath === "" ? "the app's convex.config" : definitionPath;
}

function invalid(message: string, details: Readonly<Record<string, unknown>>): TrueupError {
  return new TrueupError("INVALID_COMPONENTS", message, details);
}
