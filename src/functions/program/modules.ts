/**
 * Modules of functions: their names, and how to load them. A module path is relative to the functions folder and has no
 * extension (`dir/mod`); a function path adds the export (`dir/mod:fn`). The keys of a record of module loaders begin with
 * whatever `import.meta.glob` was called with, so the functions folder is found from the keys.
 */
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { shown, TrueupError } from "../../errors/index.js";

/** Loads one module, as `import.meta.glob` makes such functions. */
export type ModuleLoader = () => Promise<Record<string, unknown>>;

/** The place of a function: its module, and the name of its export. */
export interface FunctionPath {
  readonly modulePath: string;
  readonly exportName: string;
}

const extension = /\.[cm]?[jt]sx?$/;
const notFunctions = new Set(["schema", "convex.config", "auth.config"]);

/**
 * Parses `dir/mod:fn`, `dir/mod.js:fn` or `dir/mod` (its default export).
 * @throws FUNCTION_NOT_FOUND when the text names no function.
 */
export function parseFunctionPath(text: string): FunctionPath {
  const colon = text.lastIndexOf(":");
  const modulePath = (colon < 0 ? text : text.slice(0, colon)).replace(extension, "");
  const exportName = colon < 0 ? "default" : text.slice(colon + 1);
  if (modulePath === "" || exportName === "") {
    throw new TrueupError(
      "FUNCTION_NOT_FOUND",
      `Could not find function for '${shown(text)}': a function is named like "dir/module:function".`,
      { path: shown(text) },
    );
  }
  return { modulePath, exportName };
}

/** The canonical text of a function's place: `dir/mod:fn`. */
export function formatFunctionPath(path: FunctionPath): string {
  return `${path.modulePath}:${path.exportName}`;
}

/** Whether a module may hold functions. The schema, configurations, tests and generated code do not. */
export function isFunctionModule(modulePath: string): boolean {
  if (notFunctions.has(modulePath)) {
    return false;
  }
  const segments = modulePath.split("/");
  const name = segments[segments.length - 1] ?? "";
  return !name.includes(".") && !segments.some((s) => s === "_generated" || s === "_deps");
}

/**
 * The modules of a record of loaders by module path: without the prefix up to the functions folder, without extensions, and
 * without declaration files. The functions folder is the one that holds `_generated`, `schema` or `convex.config`, else the
 * folder that all keys share.
 */
export function modulesByPath<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  const keys = Object.keys(record).filter((key) => extension.test(key) && !/\.d\.[cm]?ts$/.test(key));
  const root = functionsFolder(keys);
  const modules: Record<string, T> = {};
  for (const key of keys) {
    const loader = record[key];
    if (key.startsWith(root) && loader !== undefined) {
      modules[key.slice(root.length).replace(extension, "")] = loader;
    }
  }
  return modules;
}

function functionsFolder(keys: readonly string[]): string {
  for (const marker of [/^(.*?)_generated\//, /^(.*\/)?(?:schema|convex\.config)\.[cm]?[jt]sx?$/]) {
    const folders = keys.flatMap((key) => {
      const match = marker.exec(key);
      return match === null ? [] : [match[1] ?? ""];
    });
    const shortest = folders.sort((a, b) => a.length - b.length)[0];
    if (shortest !== undefined) {
      return shortest;
    }
  }
  const first = keys[0] ?? "";
  let end = first.lastIndexOf("/") + 1;
  while (end > 0 && !keys.every((key) => key.startsWith(first.slice(0, end)))) {
    end = first.lastIndexOf("/", end - 2) + 1;
  }
  const convexFolder = /^(?:.*\/)?convex\//.exec(first.slice(0, end));
  return convexFolder === null ? first.slice(0, end) : convexFolder[0];
}

/**
 * Loaders for every JavaScript module below a folder, keyed by its path in the folder (`dir/mod.js`).
 * Node reads `.js`, `.mjs` and `.cjs`; TypeScript must have been compiled.
 */
export async function modulesFromDirectory(directory: string): Promise<Record<string, ModuleLoader>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const modules: Record<string, ModuleLoader> = {};
  for (const entry of entries) {
    if (!entry.isFile() || !/\.[cm]?js$/.test(entry.name)) {
      continue;
    }
    const file = join(entry.parentPath, entry.name);
    const key = relative(directory, file).split(sep).join("/");
    modules[key] = () => import(pathToFileURL(file).href) as Promise<Record<string, unknown>>;
  }
  return modules;
}

/** The error for a module whose import failed, with the module's own error as cause. */
export function moduleFailed(componentPath: string, modulePath: string, cause: unknown): TrueupError {
  const where = componentPath === "" ? modulePath : `${componentPath}/${modulePath}`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TrueupError(
    "MODULE_FAILED",
    `Module '${where}' failed while it was imported: ${reason}`,
    { componentPath, modulePath },
    cause,
  );
}
