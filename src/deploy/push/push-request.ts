/**
 * Reads a push as the official CLI sends it: the bundled modules of the app and of every component definition, with their
 * schemas. App modules that did not change come as hashes only; components always come whole. Paths become names of files, so
 * they are checked here, once.
 */
import { v, type Infer } from "convex/values";
import { invalidRequest, requestReader } from "../request-reader.js";

const environment = v.union(v.literal("isolate"), v.literal("node"));
const module = v.object({
  path: v.string(),
  source: v.string(),
  sourceMap: v.optional(v.string()),
  environment,
});
const unchangedModule = v.object({ path: v.string(), environment, sha256: v.string() });
const shared = {
  definition: v.optional(module),
  dependencies: v.array(v.string()),
  schema: v.optional(module),
  udfServerVersion: v.string(),
};
const app = v.object({
  ...shared,
  changedModules: v.array(module),
  unchangedModuleHashes: v.array(unchangedModule),
});
const component = v.object({ ...shared, definitionPath: v.string(), functions: v.array(module) });
const readRequest = requestReader(
  v.object({
    dryRun: v.optional(v.boolean()),
    forCodegen: v.optional(v.boolean()),
    functions: v.string(),
    appDefinition: app,
    componentDefinitions: v.array(component),
    nodeVersion: v.optional(v.string()),
  }),
);

/** Where a module runs; both are Node here, but only actions may ask for it. */
export type ModuleEnvironment = "isolate" | "node";

/** One bundled ES module. */
export interface PushedModule {
  /** From the component's folder, with extension: `dir/mod.js`, `_deps/AB12.js`. */
  readonly path: string;
  readonly source: string;
  readonly sourceMap?: string;
  readonly environment: ModuleEnvironment;
}

/** A module that the server should still have. */
interface UnchangedModule {
  readonly path: string;
  readonly environment: ModuleEnvironment;
  /** As `moduleHash` makes it. */
  readonly sha256: string;
}

/** The app, or a component that can be mounted any number of times. */
export interface PushedDefinition {
  /** "" is the app; others as the CLI names their folder, relative to the app's functions. */
  readonly definitionPath: string;
  /** The bundle of `convex.config`; null for an app without one. */
  readonly definition: PushedModule | null;
  /** Definition paths that the configuration imports. */
  readonly dependencies: readonly string[];
  readonly schema: PushedModule | null;
  readonly modules: readonly PushedModule[];
  readonly unchangedModules: readonly UnchangedModule[];
  /** The version of the `convex` package that it was bundled with. */
  readonly serverVersion: string;
}

export interface PushRequest {
  /** Checks everything and changes nothing. */
  readonly dryRun: boolean;
  /** Only types are wanted: environment variables need not be there. */
  readonly forCodegen: boolean;
  /** The functions folder, `convex/`. */
  readonly functionsFolder: string;
  /** The app first. */
  readonly definitions: readonly PushedDefinition[];
  readonly nodeVersion: string | null;
}

/** @throws INVALID_REQUEST */
export function parsePushRequest(body: unknown): PushRequest {
  const { appDefinition, componentDefinitions, ...request } = readRequest(body);
  const { changedModules, unchangedModuleHashes } = appDefinition;
  for (const [at, { path }] of unchangedModuleHashes.entries()) {
    assertSafe(`appDefinition.unchangedModuleHashes[${at}].path`, path);
  }
  assertModules("appDefinition.changedModules", changedModules);
  return {
    dryRun: request.dryRun ?? false,
    forCodegen: request.forCodegen ?? false,
    functionsFolder: request.functions,
    definitions: [
      {
        ...sharedPart("appDefinition", appDefinition),
        definitionPath: "",
        modules: changedModules,
        unchangedModules: unchangedModuleHashes,
      },
      ...componentDefinitions.map((pushed, at) => componentPart(`componentDefinitions[${at}]`, pushed)),
    ],
    nodeVersion: request.nodeVersion ?? null,
  };
}

function componentPart(place: string, pushed: Infer<typeof component>): PushedDefinition {
  const { definitionPath, functions } = pushed;
  if (definitionPath === "") {
    throw invalidRequest(`${place}.definitionPath`, "the path of a component's definition", '""');
  }
  assertModules(`${place}.functions`, functions);
  return { ...sharedPart(place, pushed), definitionPath, modules: functions, unchangedModules: [] };
}

function sharedPart(
  place: string,
  { definition, dependencies, schema, udfServerVersion }: Infer<typeof app | typeof component>,
): Pick<PushedDefinition, "definition" | "dependencies" | "schema" | "serverVersion"> {
  if (definition !== undefined) assertSafe(`${place}.definition.path`, definition.path);
  if (schema !== undefined) assertSafe(`${place}.schema.path`, schema.path);
  return {
    definition: definition ?? null,
    dependencies,
    schema: schema ?? null,
    serverVersion: udfServerVersion,
  };
}

function assertModules(place: string, modules: readonly PushedModule[]): void {
  const paths = new Set<string>();
  for (const [at, { path }] of modules.entries()) {
    assertSafe(`${place}[${at}].path`, path);
    if (paths.has(path)) {
      const expected = `modules with different paths, and "${path}" is there twice`;
      throw invalidRequest(place, expected, JSON.stringify(modules));
    }
    paths.add(path);
  }
}

/** Refuses a path that is not JavaScript, or that would not stay inside of its folder on every system. */
function assertSafe(place: string, path: string): void {
  const isSafe = path
    .split("/")
    .every((segment) => /^[^\\:\0]+$/.test(segment) && segment !== "." && segment !== "..");
  if (!isSafe || !/\.[cm]?js$/.test(path)) {
    throw invalidRequest(place, "a relative path to a JavaScript module", JSON.stringify(path));
  }
}
