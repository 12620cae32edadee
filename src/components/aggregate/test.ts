/**
 * Registers the component with a test backend, `trueup/test` or the official `convex-test`. The modules are listed, not
 * globbed, so that this works wherever the package is installed.
 * @module trueup/aggregate/test
 */
import type { GenericSchema, SchemaDefinition } from "convex/server";
import schema from "./component/schema.js";

type Modules = Record<string, () => Promise<Record<string, unknown>>>;

/** What tests with components offer. */
interface ComponentTest {
  registerComponent(name: string, schema: SchemaDefinition<GenericSchema, boolean>, modules: Modules): void;
}

const modules: Modules = {
  "./component/_generated/api.js": () => import("./component/_generated/api.js"),
  "./component/_generated/server.js": () => import("./component/_generated/server.js"),
  "./component/bulk.js": () => import("./component/bulk.js"),
  "./component/deadLetter.js": () => import("./component/deadLetter.js"),
  "./component/deltas.js": () => import("./component/deltas.js"),
  "./component/handover.js": () => import("./component/handover.js"),
  "./component/generations.js": () => import("./component/generations.js"),
  "./component/inspect.js": () => import("./component/inspect.js"),
  "./component/managed.js": () => import("./component/managed.js"),
  "./component/queue.js": () => import("./component/queue.js"),
  "./component/reads.js": () => import("./component/reads.js"),
  "./component/trees.js": () => import("./component/trees.js"),
  "./component/verification.js": () => import("./component/verification.js"),
  "./component/worker.js": () => import("./component/worker.js"),
  "./component/writes.js": () => import("./component/writes.js"),
};

/**
 * Registers the component.
 * @param t What `convexTest` returns.
 * @param name The name under which the app's `convex.config.ts` uses the component.
 */
export function register(t: ComponentTest, name: string = "aggregate"): void {
  t.registerComponent(name, schema, modules);
}

/** The component's schema and modules, for `registerComponent` and for `openBackend({ components })`. */
const aggregateTest: { register: typeof register; schema: typeof schema; modules: Modules } = {
  register,
  schema,
  modules,
};
export default aggregateTest;
