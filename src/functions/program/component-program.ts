/**
 * A program before it is loaded: the tree of component instances with their module loaders and schemas. A deploy builds one
 * from what was pushed. `programFromModules` builds one from module loaders in the process: `convex.config.ts` tells which
 * components are mounted, and the option `components` has their code.
 */
import type { Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";
import { parseSchema, type SchemaJson, type SchemaSource } from "../../schema/index.js";
import { readAuthProviders, type AuthProvider } from "./auth-providers.js";
import { importConfig, type ChildDefinition } from "./convex-config.js";
import { moduleFailed, modulesByPath, type ModuleLoader } from "./modules.js";

/** The code of one component instance. The path "" is that of the app. */
export interface ComponentProgram {
  readonly path: string;
  /** Of pushed code: the definition that this is an instance of. The bundles of pushed code share nothing. */
  readonly definitionPath?: string;
  /** Of an app that was pushed: tells its code, with that of its components, from any other. */
  readonly codeId?: string;
  /** The loaders of the modules by module path: `dir/mod`. */
  readonly modules: Readonly<Record<string, ModuleLoader>>;
  /** Null when any table may have any document. */
  readonly schema: SchemaJson | null;
  readonly args?: Readonly<Record<string, Value>>;
  readonly children: Readonly<Record<string, ComponentProgram>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the app: who issues tokens for its users. */
  readonly auth?: readonly AuthProvider[];
}

/** How to import a module, as `import.meta.glob` types it, or a module that is imported already. */
export type ModuleSource = (() => Promise<unknown>) | Readonly<Record<string, unknown>>;

/** The code of a component: what the `./test` subpath of a published component exports by default. */
export interface ComponentModules {
  /** The record that `import.meta.glob("./component/**\/*.ts")` yields. */
  readonly modules: Readonly<Record<string, ModuleSource>>;
  /** When it is left out, the default export of the module `schema` is the schema. */
  readonly schema?: SchemaSource | null | undefined;
  /** The code of the components mounted in this one. */
  readonly components?: Readonly<Record<string, ComponentModules>> | undefined;
}

export interface ProgramSource extends ComponentModules {
  readonly env?: Readonly<Record<string, string>> | undefined;
}

type Pool = Readonly<Record<string, ComponentModules>>;

/**
 * Builds a program from module loaders. A key of `components` names an instance or a definition: where the app's
 * `convex.config` mounts `aggregate` as `byScore` and `byUser`, one entry `aggregate` serves both. Without a `convex.config`,
 * or where only a bundler can import it, each key is mounted under its own name. Entries serve nested components too.
 * @throws COMPONENT_MISSING when the app mounts a component whose code was not given; INVALID_SCHEMA; MODULE_FAILED for an
 *   `auth.config` that throws or that names no providers
 */
export async function programFromModules(source: ProgramSource): Promise<ComponentProgram> {
  const program = await buildProgram("", source, undefined, {}, source.env ?? {});
  return { ...program, auth: await authOf(program.modules) };
}

/** @throws MODULE_FAILED */
async function authOf(modules: Readonly<Record<string, ModuleLoader>>): Promise<AuthProvider[]> {
  const load = modules["auth.config"];
  if (load === undefined) return [];
  const refuse = (reason: unknown): Error => moduleFailed("", "auth.config", reason);
  let exported: Record<string, unknown>;
  try {
    exported = await load();
  } catch (error) {
    throw refuse(error);
  }
  return readAuthProviders(exported["default"], (reason) => refuse(new Error(reason)));
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

/** The components that the configuration mounts; where it cannot be imported, those that the keys of `components` name. */
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
    return await importConfig(config);
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
