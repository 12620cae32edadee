/** Module loaders for a folder of compiled functions, for programs without a bundler's `import.meta.glob`. */
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { ModuleLoader } from "./module-path.js";

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
