/** Source maps of pushed modules, changed to lead to the app's own files, so that stack traces and debuggers show those. */
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * A module's source map for where the module is thought to lie; null when it is none, or when the app's folder is not known.
 * The CLI bundles into a folder `out` of the app that never exists, and the map names its sources relative to that.
 * @param path The module's path as it was pushed.
 * @param file Its path in the code folder of the app's `.trueup`.
 */
export function locateSources(sourceMap: string, path: string, file: string): string | null {
  const app = appFolder(dirname(dirname(file.slice(0, -path.length - 1))));
  const map = parse(sourceMap);
  if (app === null || map === null) return null;
  const bundled = join(app, "out", dirname(path));
  const sources = map.sources.map((source) => relative(dirname(file), join(bundled, source)));
  // What is compiled has a line before those of the module.
  return JSON.stringify({ ...map, sources, mappings: `;${map.mappings}` });
}

/** The nearest folder with a package.json. */
function appFolder(from: string): string | null {
  if (existsSync(join(from, "package.json"))) return from;
  return dirname(from) === from ? null : appFolder(dirname(from));
}

interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

function parse(sourceMap: string): SourceMap | null {
  try {
    const map: unknown = JSON.parse(sourceMap);
    return isSourceMap(map) ? map : null;
  } catch {
    return null;
  }
}

function isSourceMap(map: unknown): map is SourceMap {
  return (
    typeof map === "object" &&
    map !== null &&
    "sources" in map &&
    Array.isArray(map.sources) &&
    "mappings" in map &&
    typeof map.mappings === "string"
  );
}
