/**
 * Reads `convex.config.ts` without Convex's bundler. The bundler gives each imported definition a
 * `componentDefinitionPath`, and `app.use(definition)` refuses a definition that has none. So while a configuration is
 * imported, definitions inherit that property from a hidden accessor on Object.prototype, which is removed right after.
 */
import type { ModuleLoader } from "./modules.js";

/** A component mounted by `use`, with what is mounted in it. */
export interface ChildDefinition {
  /** The name given in `use`, else the definition's own. */
  readonly name: string;
  readonly definitionName: string;
  /** Undefined when only the configuration of the component itself tells them. */
  readonly children: readonly ChildDefinition[] | undefined;
  /** The environment variables that `use` binds, each to a text or to a variable of the parent by its name. */
  readonly env: Readonly<Record<string, string | { readonly inherited: string }>>;
}

interface Definition {
  readonly _name?: unknown;
  readonly _childComponents?: unknown;
}

type ChildEntry = readonly [name: string, definition: Definition, env: Record<string, unknown> | null];

const property = "componentDefinitionPath";
let importing = 0;

/**
 * The components that a configuration module mounts. Rejects with what the module throws, because published definitions are
 * written for a bundler and not all of them can be imported without one.
 */
export async function importConfig(load: ModuleLoader): Promise<readonly ChildDefinition[]> {
  lendDefinitionPaths();
  try {
    const module = await load();
    return childrenOf(module["default"] ?? {});
  } finally {
    returnDefinitionPaths();
  }
}

function childrenOf(definition: Definition): ChildDefinition[] {
  const entries = definition._childComponents;
  if (!Array.isArray(entries)) {
    return [];
  }
  return (entries as ChildEntry[]).map(([name, child, env]) => ({
    name,
    definitionName: typeof child._name === "string" ? child._name : name,
    children: childrenOf(child),
    env: Object.fromEntries(Object.entries(env ?? {}).map(([key, value]) => [key, envValue(value)])),
  }));
}

function envValue(value: unknown): string | { inherited: string } {
  const reference = (value as { __envVarRef?: unknown } | null)?.__envVarRef;
  return typeof reference === "string" ? { inherited: reference } : String(value);
}

function lendDefinitionPaths(): void {
  importing += 1;
  if (importing > 1) {
    return;
  }
  Object.defineProperty(Object.prototype, property, {
    configurable: true,
    enumerable: false,
    get(this: Definition): string | undefined {
      return Array.isArray(this._childComponents) && typeof this._name === "string" ? this._name : undefined;
    },
    set(this: object, value: unknown) {
      Object.defineProperty(this, property, { value, configurable: true, enumerable: true, writable: true });
    },
  });
}

function returnDefinitionPaths(): void {
  importing -= 1;
  if (importing === 0) {
    Reflect.deleteProperty(Object.prototype, property);
  }
}
