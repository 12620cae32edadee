/**
 * Registers the component with a test backend: `register(convexTest(schema, modules))`.
 * @module trueup/migrations/test
 */
import type { GenericSchema, SchemaDefinition } from "convex/server";
import schema from "./component/schema.js";

/** The component's modules, listed one by one so that they are found in the built package as well. */
const modules: Record<string, () => Promise<unknown>> = {
  "./component/_generated/api.js": () => import("./component/_generated/api.js"),
  "./component/_generated/server.js": () => import("./component/_generated/server.js"),
  "./component/handover.js": () => import("./component/handover.js"),
  "./component/lib.js": () => import("./component/lib.js"),
  "./component/schema.js": () => import("./component/schema.js"),
};

/** The part of what `convexTest` returns that is needed here. */
export interface ComponentRegistry {
  /** Mounts a component at a path, as `convexTest` does. */
  registerComponent(
    path: string,
    schema: SchemaDefinition<GenericSchema, boolean>,
    modules: Record<string, () => Promise<unknown>>,
  ): void;
}

/** Mounts the component as `name`, which is the name that convex.config.ts gives it. */
export function register(t: ComponentRegistry, name: string = "migrations"): void {
  t.registerComponent(name, schema, modules);
}

/** The component's schema and modules, for `registerComponent` and for `openBackend({ components })`. */
const component: {
  register: typeof register;
  schema: SchemaDefinition<GenericSchema, boolean>;
  /** Loaders of the modules, by their path. */
  modules: Record<string, () => Promise<unknown>>;
} = { register, schema, modules };
export default component;
