/**
 * Makes pushes by hand, as the official CLI sends them: small ES modules with the marks that the `convex` package puts on
 * functions. So tests of the steps of a push need no bundler.
 */
import { createHash } from "node:crypto";

export interface PushedSource {
  readonly path: string;
  readonly source: string;
  readonly environment: string;
}

export interface HandMadePush {
  readonly modules?: readonly PushedSource[];
  /** The modules of which only hashes are sent. */
  readonly unchanged?: readonly PushedSource[];
  /** The JSON of a schema. */
  readonly schema?: object;
  readonly dryRun?: boolean;
}

/** The source of a registered function; the body sees `ctx` and `args`. */
export function functionSource(kind: "Query" | "Mutation" | "Action", body: string): string {
  return `Object.assign(() => {}, { is${kind}: true, isPublic: true, _handler: async (ctx, args) => { ${body} }, exportArgs: () => '{"type":"any"}', exportReturns: () => "null" })`;
}

export function pushedModule(path: string, source: string, environment = "isolate"): PushedSource {
  return { path, source, environment };
}

/** The hash by which the CLI names a module that has no source map. */
export function sourceHash({ source }: PushedSource): string {
  return createHash("sha256").update(source).digest("hex");
}

/** The body of `start_push`. */
export function pushRequest({ modules = [], unchanged = [], schema, dryRun = false }: HandMadePush): object {
  const schemaSource = `export default { export: () => ${JSON.stringify(JSON.stringify(schema))} };`;
  return {
    dryRun,
    functions: "convex/",
    appDefinition: {
      definition: null,
      dependencies: [],
      schema: schema === undefined ? null : pushedModule("schema.js", schemaSource),
      changedModules: modules,
      unchangedModuleHashes: unchanged.map((module) => ({
        path: module.path,
        environment: module.environment,
        sha256: sourceHash(module),
      })),
      udfServerVersion: "1.48.0",
    },
    componentDefinitions: [],
    nodeDependencies: [],
  };
}
