/**
 * A push as the official CLI sends it: the bundled modules of the app and of every component definition, with
 * their schemas. App modules that did not change come as hashes only; components always come whole. Paths end
 * up as files, so they are checked here, once.
 */
import { JsonReader } from "./json-reader.js";

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
export interface UnchangedModule {
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
  const request = new JsonReader(body);
  const app = request.field("appDefinition");
  const components = request.field("componentDefinitions").list();
  return {
    dryRun: request.field("dryRun").boolean(),
    forCodegen: request.field("forCodegen").boolean(),
    functionsFolder: request.field("functions").string(),
    definitions: [readApp(app), ...components.map(readComponent)],
    nodeVersion: request.field("nodeVersion").optionalString() ?? null,
  };
}

function readApp(app: JsonReader): PushedDefinition {
  return {
    ...readShared(app),
    definitionPath: "",
    modules: readModules(app.field("changedModules")),
    unchangedModules: app.field("unchangedModuleHashes").list().map(readUnchanged),
  };
}

function readComponent(component: JsonReader): PushedDefinition {
  const path = component.field("definitionPath");
  const definitionPath = path.string();
  if (definitionPath === "") throw path.wrong("the path of a component's definition");
  return {
    ...readShared(component),
    definitionPath,
    modules: readModules(component.field("functions")),
    unchangedModules: [],
  };
}

function readShared(
  json: JsonReader,
): Pick<PushedDefinition, "definition" | "dependencies" | "schema" | "serverVersion"> {
  const definition = json.field("definition");
  const schema = json.field("schema");
  return {
    definition: definition.isAbsent ? null : readModule(definition),
    dependencies: json
      .field("dependencies")
      .list()
      .map((path) => path.string()),
    schema: schema.isAbsent ? null : readModule(schema),
    serverVersion: json.field("udfServerVersion").string(),
  };
}

function readModules(list: JsonReader): PushedModule[] {
  const modules = list.list().map(readModule);
  const paths = new Set<string>();
  for (const { path } of modules) {
    if (paths.has(path)) throw list.wrong(`modules with different paths, and "${path}" is there twice`);
    paths.add(path);
  }
  return modules;
}

function readModule(json: JsonReader): PushedModule {
  const sourceMap = json.field("sourceMap").optionalString();
  return {
    path: readPath(json.field("path")),
    source: json.field("source").string(),
    environment: readEnvironment(json.field("environment")),
    ...(sourceMap === undefined ? {} : { sourceMap }),
  };
}

function readUnchanged(json: JsonReader): UnchangedModule {
  return {
    path: readPath(json.field("path")),
    environment: readEnvironment(json.field("environment")),
    sha256: json.field("sha256").string(),
  };
}

function readEnvironment(json: JsonReader): ModuleEnvironment {
  const environment = json.string();
  if (environment !== "isolate" && environment !== "node") throw json.wrong('"isolate" or "node"');
  return environment;
}

/** Stays inside of its folder on every system, and is JavaScript. */
function readPath(json: JsonReader): string {
  const path = json.string();
  const segments = path.split("/");
  const isSafe = segments.every(
    (segment) => /^[^\\:\0]+$/.test(segment) && segment !== "." && segment !== "..",
  );
  if (!isSafe || !/\.[cm]?js$/.test(path)) throw json.wrong("a relative path to a JavaScript module");
  return path;
}
