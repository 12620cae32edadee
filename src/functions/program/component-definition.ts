/**
 * Reads `convex.config.ts` outside of Convex's bundler. There, each imported definition has been given a
 * `componentDefinitionPath`, and `app.use(definition)` refuses one without. So while a configuration is
 * imported, definitions inherit that property: a hidden accessor on Object.prototype, gone right after.
 */
import type { ModuleLoader } from "./module-path.js";

/** A component mounted by `use`, with what is mounted in it. */
export interface ChildDefinition {
  /** The name given in `use`, else the definition's own. */
  readonly name: string;
  readonly definitionName: string;
  /** Undefined when only the component's own configuration knows. */
  readonly children: readonly ChildDefinition[] | undefined;
  /** Environment variables bound in `use`: a text, or the name of one of the parent's. */
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
 * The components that a configuration module mounts. Rejects with what the module throws: published
 * definitions are written for a bundler, and not all of them can be imported without one.
 */
export async function importDefinition(load: ModuleLoader): Promise<readonly ChildDefinition[]> {
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
