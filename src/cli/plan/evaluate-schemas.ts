/**
 * The schemas of an app and of its components as its sources define them. They are bundled as a push would bundle them, by
 * the bundler that the app's own `convex` package depends on, and evaluated in a worker, whose output and exits are its own.
 * Nothing looks at functions, and nothing is generated.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type * as bundler from "esbuild";
import { TrueupError } from "../../errors/index.js";
import { parseSchema, type SchemaJson } from "../../schema/index.js";
import type { SchemaSources } from "./schema-sources.js";

/** The schemas by component path, of which "" is the app; null where there is no schema. */
export type AppSchemas = ReadonlyMap<string, SchemaJson | null>;

/** The worker's answer: for each definition its schema as text, and its children as places in the list of definitions. */
type Answer =
  | { readonly error: string }
  | {
      readonly schemas: readonly (string | null)[];
      readonly children: readonly (readonly (readonly [name: string, definition: number])[])[];
    };

/** A definition of a component, or of the app: the files of its configuration and of its schema. */
interface Definition {
  readonly config: string | null;
  readonly schema: string | null;
}

const timeLimitMs = 30_000;

/** The part of the bundler that a plan uses. */
export type Esbuild = Pick<typeof bundler, "build">;

/** Loads the app's bundler. @throws CONVEX_NOT_INSTALLED when its node_modules lack `convex`, or the bundler */
export async function loadEsbuild(appRoot: string): Promise<Esbuild> {
  try {
    const convex = createRequire(join(appRoot, "package.json")).resolve("convex/package.json");
    const file = createRequire(convex).resolve("esbuild");
    const loaded = (await import(pathToFileURL(file).href)) as { default?: Esbuild } & Esbuild;
    return loaded.default ?? loaded;
  } catch (error) {
    throw new TrueupError("CONVEX_NOT_INSTALLED", undefined, { root: appRoot }, error);
  }
}

/**
 * Evaluates `schema.ts` of the app and of every component that its `convex.config.ts` mounts.
 * @throws SCHEMA_UNREADABLE, INVALID_SCHEMA
 */
export async function evaluateSchemas(esbuild: Esbuild, sources: SchemaSources): Promise<AppSchemas> {
  const { functionsFolder } = sources;
  const config = moduleAt(functionsFolder, "convex.config");
  const app: Definition = { config, schema: moduleAt(functionsFolder, "schema") };
  if (app.schema === null && config === null) return new Map([["", null]]);
  const components = config === null ? [] : await componentDefinitions(esbuild, sources, config);
  return await evaluateDefinitions(esbuild, sources, [app, ...components]);
}

/** Evaluates one module as the app's schema. @throws SCHEMA_UNREADABLE, INVALID_SCHEMA */
export async function evaluateSchemaFile(
  esbuild: Esbuild,
  sources: SchemaSources,
  file: string,
): Promise<AppSchemas> {
  return await evaluateDefinitions(esbuild, sources, [{ config: null, schema: file }]);
}

async function evaluateDefinitions(
  esbuild: Esbuild,
  sources: SchemaSources,
  definitions: readonly Definition[],
): Promise<AppSchemas> {
  const { outputFiles } = await build(esbuild, sources, {
    stdin: { contents: entry(definitions), resolveDir: sources.appRoot, loader: "js" },
  });
  const answer = await runInWorker(outputFiles?.[0]?.text ?? "");
  if ("error" in answer) throw unreadable(answer.error);
  const found = new Map<string, SchemaJson | null>();
  const visit = (path: string, index: number): void => {
    const text = answer.schemas[index] ?? null;
    found.set(path, text === null ? null : parseSchema(text));
    for (const [name, child] of answer.children[index] ?? []) {
      visit(path === "" ? name : `${path}/${name}`, child);
    }
  };
  visit("", 0);
  return found;
}

/** Every definition of a component that the app's configuration imports, directly or not. */
async function componentDefinitions(
  esbuild: Esbuild,
  sources: SchemaSources,
  config: string,
): Promise<Definition[]> {
  const { metafile } = await build(esbuild, sources, { entryPoints: [config] });
  return Object.keys(metafile?.inputs ?? {})
    .map((input) => resolve(sources.appRoot, input))
    .filter((path) => /^convex\.config\.[cm]?[jt]s$/.test(basename(path)) && path !== config)
    .map((path) => ({ config: path, schema: moduleAt(dirname(path), "schema") }));
}

/** The source of the module that the worker runs: it imports all definitions, and answers with what can be cloned. */
function entry(definitions: readonly Definition[]): string {
  const lines = [
    'const { parentPort } = require("node:worker_threads");',
    // Where a backend evaluates a configuration, imported definitions have a path; here the name serves.
    'Object.defineProperty(Object.prototype, "componentDefinitionPath", { get() { return this._name; } });',
    "try {",
    "const all = [",
  ];
  for (const { config, schema } of definitions) {
    const load = (path: string | null): string =>
      path === null ? "null" : `require(${JSON.stringify(path)})`;
    lines.push(`[${load(config)}, ${load(schema)}],`);
  }
  lines.push(
    "];",
    "const definitions = all.map(([config]) => config?.default);",
    "const schemas = all.map(([, schema]) => {",
    '  if (schema !== null && typeof schema.default?.export !== "function")',
    '    throw new Error("A schema module must export the schema by default: export default defineSchema({...})");',
    "  return schema?.default.export() ?? null;",
    "});",
    "const children = definitions.map((definition) =>",
    "  (definition?._childComponents ?? []).map(([name, child]) => [name, definitions.indexOf(child)]));",
    "parentPort.postMessage({ schemas, children });",
    "} catch (error) {",
    "parentPort.postMessage({ error: String(error) });",
    "}",
  );
  return lines.join("\n");
}

/** Bundles. When that fails, it tries again with the files that the sources can still bring. */
async function build(
  esbuild: Esbuild,
  sources: SchemaSources,
  from: Pick<bundler.BuildOptions, "entryPoints" | "stdin">,
): Promise<bundler.BuildResult> {
  const options: bundler.BuildOptions = {
    ...from,
    absWorkingDir: sources.appRoot,
    nodePaths: sources.nodePaths,
    plugins: sources.plugins,
    bundle: true,
    write: false,
    metafile: true,
    format: "cjs",
    platform: "node",
    conditions: ["convex", "module"],
    mainFields: ["module", "main"],
    target: "node20",
    outfile: "schemas.cjs",
    logLevel: "silent",
  };
  try {
    return await esbuild.build(options);
  } catch (error) {
    if (await sources.complete()) return await build(esbuild, sources, from);
    throw unreadable(error instanceof Error ? error.message : String(error), error);
  }
}

async function runInWorker(code: string): Promise<Answer> {
  const worker = new Worker(code, { eval: true, stdout: true, stderr: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Answer>((resolvePromise) => {
      const fail = (error: string): void => resolvePromise({ error });
      worker.once("message", (answer: Answer) => resolvePromise(answer));
      worker.once("error", (error) => fail(String(error)));
      worker.once("exit", (code_) => fail(`It ended the process with exit code ${code_}.`));
      timer = setTimeout(() => fail(`It did not end within ${timeLimitMs / 1000} seconds.`), timeLimitMs);
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

function moduleAt(folder: string, name: string): string | null {
  return (
    ["ts", "js"].map((extension) => join(folder, `${name}.${extension}`)).find((file) => existsSync(file)) ??
    null
  );
}

function unreadable(why: string, cause?: unknown): TrueupError {
  return new TrueupError("SCHEMA_UNREADABLE", `The schema cannot be evaluated: ${why}`, {}, cause);
}
