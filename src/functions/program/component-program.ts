/**
 * A program before it is loaded: the tree of component instances with their module loaders and schemas.
 * A deploy builds one from what was pushed; `programFromModules` builds one from module loaders in the
 * process, reading `convex.config.ts` for what is mounted and the `components` option for its code.
 */
import type { Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";
import { parseSchema, type SchemaJson, type SchemaSource } from "../../schema/index.js";
import { importDefinition, type ChildDefinition } from "./component-definition.js";
import { moduleFailed } from "./module-failed.js";
import { modulesByPath, type ModuleLoader } from "./module-path.js";

/** The code of one component instance; path "" is the app. */
export interface ComponentProgram {
  readonly path: string;
  /** Of code that was pushed: which definition this is an instance of. Its bundles share nothing. */
  readonly definitionPath?: string;
  /** Loaders by module path: `dir/mod`. */
  readonly modules: Readonly<Record<string, ModuleLoader>>;
  /** Null: any table, any document. */
  readonly schema: SchemaJson | null;
  readonly args?: Readonly<Record<string, Value>>;
  readonly children: Readonly<Record<string, ComponentProgram>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** How to import a module, as `import.meta.glob` types it, or a module that is imported already. */
export type ModuleSource = (() => Promise<unknown>) | Readonly<Record<string, unknown>>;

/** The code of a component: what the `./test` subpath of a published component exports by default. */
export interface ComponentModules {
  /** As `import.meta.glob("./component/**\/*.ts")` yields it. */
  readonly modules: Readonly<Record<string, ModuleSource>>;
  /** Left out: the default export of the modules' own `schema`. */
  readonly schema?: SchemaSource | null | undefined;
  /** The code of the components mounted in this one. */
  readonly components?: Readonly<Record<string, ComponentModules>> | undefined;
}

export interface ProgramSource extends ComponentModules {
  readonly env?: Readonly<Record<string, string>> | undefined;
}

type Pool = Readonly<Record<string, ComponentModules>>;

/**
 * A program from module loaders. The keys of `components` name an instance or a definition: where the
 * app's `convex.config` mounts `aggregate` as `byScore` and `byUser`, one entry `aggregate` serves both;
 * without a `convex.config`, or where it can only be imported by a bundler, each key is mounted under its
 * own name. Entries serve nested components too.
 * @throws COMPONENT_MISSING when the app mounts a component whose code was not given; INVALID_SCHEMA
 */
export async function programFromModules(source: ProgramSource): Promise<ComponentProgram> {
  return await buildProgram("", source, undefined, {}, source.env ?? {});
}

async function buildProgram(
  path: string,
  source: ComponentModules,
  declared: readonly ChildDefinition[] | undefined,
  inherited: Pool,
  env: Readonly<Record<string, string>>,
): Promise<ComponentProgram> {
  const modules = loaders(modulesByPath(source.modules));
  const given = source.components ?? {};
  const mounted = declared ?? (await mountedIn(path, modules, given));
  const pool: Pool = { ...inherited, ...given };
  const children: Record<string, ComponentProgram> = {};
  for (const child of mounted) {
    const childPath = path === "" ? child.name : `${path}/${child.name}`;
    const code = given[child.name] ?? given[child.definitionName] ?? pool[child.definitionName];
    if (code === undefined && path === "") {
      throw codeMissing(childPath, child.definitionName);
    }
    const childEnv = boundEnv(child, env);
    children[child.name] =
      code === undefined
        ? { path: childPath, modules: {}, schema: null, children: {}, env: childEnv }
        : await buildProgram(childPath, code, child.children, pool, childEnv);
  }
  return { path, modules, schema: await schemaOf(source, modules), children, env };
}

/** What the configuration says; where it cannot be imported, what the keys of `components` say. */
async function mountedIn(
  path: string,
  modules: Readonly<Record<string, ModuleLoader>>,
  given: Pool,
): Promise<readonly ChildDefinition[]> {
  const config = modules["convex.config"];
  if (config === undefined) {
    return namedAfter(given);
  }
  try {
    return await importDefinition(config);
  } catch (error) {
    if (path === "" && Object.keys(given).length === 0) {
      throw moduleFailed(path, "convex.config", error);
    }
    return namedAfter(given);
  }
}

function namedAfter(components: Pool): ChildDefinition[] {
  return Object.keys(components).map((name) => ({
    name,
    definitionName: name,
    children: undefined,
    env: {},
  }));
}

function loaders(modules: Readonly<Record<string, ModuleSource>>): Record<string, ModuleLoader> {
  const load = async (module: ModuleSource): Promise<Record<string, unknown>> => {
    const exported = typeof module === "function" ? await module() : module;
    return typeof exported === "object" && exported !== null ? { ...exported } : {};
  };
  return Object.fromEntries(Object.entries(modules).map(([path, module]) => [path, () => load(module)]));
}

async function schemaOf(
  source: ComponentModules,
  modules: Readonly<Record<string, ModuleLoader>>,
): Promise<SchemaJson | null> {
  if (source.schema !== undefined) {
    return source.schema === null ? null : parseSchema(source.schema);
  }
  const exported = (await modules["schema"]?.())?.["default"];
  return exported === undefined ? null : parseSchema(exported as SchemaSource);
}

function boundEnv(child: ChildDefinition, env: Readonly<Record<string, string>>): Record<string, string> {
  const bound: Record<string, string> = {};
  for (const [key, value] of Object.entries(child.env)) {
    const text = typeof value === "string" ? value : env[value.inherited];
    if (text !== undefined) {
      bound[key] = text;
    }
  }
  return bound;
}

function codeMissing(path: string, definitionName: string): TrueupError {
  return new TrueupError(
    "COMPONENT_MISSING",
    `convex.config mounts component '${path}', but its code was not given: ` +
      `add \`components: { ${JSON.stringify(definitionName)}: { schema, modules } }\`.`,
    { componentPath: path, definitionName },
  );
}
