/**
 * The tree of component instances: one node for every `use`, with the environment variables that it was given.
 * Two instances of one definition share its code and nothing else.
 */
import { TrueupError } from "../../errors/index.js";
import type { ComponentDefinition, DeclaredEnv, EnvBinding } from "./convex-config.js";

/** The environment variables of one component. */
export type Environment = Readonly<Record<string, string>>;

export interface ComponentInstance {
  /** "" is the app, "a/b" a component mounted in a component. */
  readonly componentPath: string;
  readonly definition: ComponentDefinition;
  readonly env: Environment;
  readonly children: Readonly<Record<string, ComponentInstance>>;
}

/** Every component that the app mounts, with the app's environment passed down. */
export function componentTree(
  definitions: ReadonlyMap<string, ComponentDefinition>,
  env: Environment,
): ComponentInstance {
  return instance(definitions, "", "", env);
}

/** An instance and everything that is mounted in it; parents come first. */
export function* allInstances(root: ComponentInstance): Generator<ComponentInstance> {
  yield root;
  for (const child of Object.values(root.children)) yield* allInstances(child);
}

/**
 * Refuses to run code without a variable that it declares as required.
 * @throws MISSING_ENVIRONMENT_VARIABLES with all of them
 */
export function checkEnvironment(root: ComponentInstance): void {
  const missing = new Set<string>();
  for (const { componentPath, definition, env } of allInstances(root)) {
    for (const [name, declared] of definition.envVars ?? []) {
      if (isRequired(declared) && env[name] === undefined) {
        missing.add(componentPath === "" ? name : `${componentPath}:${name}`);
      }
    }
  }
  if (missing.size > 0) {
    const names = [...missing].join(", ");
    throw new TrueupError(
      "MISSING_ENVIRONMENT_VARIABLES",
      `Environment variables that convex.config declares as required are not set: ${names}.`,
      { names: [...missing] },
    );
  }
}

function instance(
  definitions: ReadonlyMap<string, ComponentDefinition>,
  definitionPath: string,
  componentPath: string,
  env: Environment,
): ComponentInstance {
  const definition = definitions.get(definitionPath);
  if (definition === undefined) throw new Error(`no definition ${definitionPath}`);
  const children: Record<string, ComponentInstance> = {};
  for (const child of definition.childComponents) {
    const path = componentPath === "" ? child.name : `${componentPath}/${child.name}`;
    children[child.name] = instance(definitions, child.path, path, boundEnv(child.env ?? [], env));
  }
  return { componentPath, definition, env, children };
}

function boundEnv(bindings: readonly (readonly [string, EnvBinding])[], parent: Environment): Environment {
  const bound: Record<string, string> = {};
  for (const [name, binding] of bindings) {
    const value = binding.type === "value" ? binding.value : parent[binding.name];
    if (value !== undefined) bound[name] = value;
  }
  return bound;
}

function isRequired(declared: DeclaredEnv): boolean {
  return declared.optional !== true;
}
