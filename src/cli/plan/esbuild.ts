/**
 * The bundler that the app's own `convex` package depends on: the one that pushes this schema elsewhere. What
 * is declared here of its API is what a plan uses.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { TrueupError } from "../../errors/index.js";

export interface Esbuild {
  build(options: BuildOptions): Promise<BuildResult>;
}

export interface BuildOptions {
  readonly absWorkingDir: string;
  readonly entryPoints?: readonly string[];
  readonly stdin?: { readonly contents: string; readonly resolveDir: string; readonly loader: "js" };
  readonly nodePaths: readonly string[];
  readonly plugins: readonly Plugin[];
  readonly bundle: true;
  readonly write: false;
  readonly metafile: true;
  readonly format: "cjs";
  readonly platform: "node";
  readonly conditions: readonly string[];
  readonly mainFields: readonly string[];
  readonly target: string;
  readonly outfile: string;
  readonly logLevel: "silent";
}

export interface BuildResult {
  readonly outputFiles: readonly { readonly text: string }[];
  /** Paths of inputs are relative to the working folder. */
  readonly metafile: { readonly inputs: Readonly<Record<string, unknown>> };
}

export interface Plugin {
  readonly name: string;
  setup(build: {
    onLoad(
      filter: { readonly filter: RegExp; readonly namespace: string },
      load: (file: { readonly path: string }) => LoadResult | undefined,
    ): void;
  }): void;
}

export interface LoadResult {
  readonly contents?: string;
  readonly loader?: string;
  readonly resolveDir?: string;
  readonly errors?: readonly { readonly text: string }[];
}

/** @throws CONVEX_NOT_INSTALLED when the app's node_modules lack the package, or its bundler. */
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
