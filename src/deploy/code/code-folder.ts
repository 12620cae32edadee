/**
 * Where pushed modules are files, so that Node can import them and find the packages that they leave out of
 * their bundles: the folder stands inside of the app, whose node_modules Node looks up by itself. Each set of
 * modules has a folder named by its content, so what is there is never changed, and equal code is imported once. Source maps
 * are changed to lead from there to the app's own files, so that stack traces and debuggers show those.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Environment } from "../definitions/component-tree.js";
import type { CodeModule } from "./program-code.js";

/** Modules as files. */
export interface CodeFiles {
  /** The name of the folder: a hash of what is in it. */
  readonly name: string;
  /** The URL to import a module by; the path is the pushed one, `dir/mod.js`. */
  url(modulePath: string): string;
}

/** Only the owner may read what was pushed. */
const privateFolder = { recursive: true, mode: 0o700 } as const;
const privateFile = { mode: 0o600 } as const;

export class CodeFolder {
  readonly #folder: Promise<string>;
  readonly #isTemporary: boolean;

  /** @param folder Made when it is first needed. Left out: a temporary one, removed by `close`. */
  constructor(folder?: string) {
    this.#isTemporary = folder === undefined;
    this.#folder = folder === undefined ? makeTemporary() : Promise.resolve(resolve(folder));
    this.#folder.catch(() => {});
  }

  /**
   * Writes modules as files, unless they are there. What a module reads from its environment while it is
   * imported is part of what it becomes, so another environment means another folder.
   * @param anew Asks for other files than there are already, so that Node imports once more what it has imported before.
   */
  async write(modules: readonly CodeModule[], env: Environment, anew?: "anew"): Promise<CodeFiles> {
    process.setSourceMapsEnabled(true);
    const content = contentName(modules, env);
    const name = anew === undefined ? content : `${content}-${randomUUID()}`;
    const folder = join(await this.#folder, name);
    if (!existsSync(folder)) await this.#create(folder, modules);
    for (const module of modules) await repair(join(folder, module.path), module.source);
    return { name, url: (modulePath) => pathToFileURL(join(folder, modulePath)).href };
  }

  /** Removes what no program in use needs. */
  async prune(names: ReadonlySet<string>): Promise<void> {
    const folder = await this.#folder;
    if (!existsSync(folder)) return;
    for (const name of await readdir(folder)) {
      if (/^[0-9a-f]{32}(-|$)/.test(name) && !names.has(name)) {
        await rm(join(folder, name), { recursive: true, force: true });
      }
    }
  }

  /** Removes folders whose modules were imported and are not needed on the disk any more. */
  async remove(names: ReadonlySet<string>): Promise<void> {
    const folder = await this.#folder;
    for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
  }

  /** Removes a temporary folder. Idempotent. */
  async close(): Promise<void> {
    if (this.#isTemporary) await rm(await this.#folder, { recursive: true, force: true });
  }

  /** Written beside and renamed, so that a folder is there with all of its files or not at all. */
  async #create(folder: string, modules: readonly CodeModule[]): Promise<void> {
    const parent = dirname(folder);
    await mkdir(parent, privateFolder);
    const draft = await mkdtemp(`${folder}-`);
    await writeFile(join(draft, "package.json"), '{ "type": "module" }\n', privateFile);
    for (const { path, source, sourceMap } of modules) {
      const file = join(draft, path);
      await mkdir(dirname(file), privateFolder);
      await writeFile(file, source, privateFile);
      if (sourceMap === undefined) continue;
      const located = locateSources(sourceMap, path, join(folder, path));
      if (located !== null) await writeFile(`${file}.map`, located, privateFile);
    }
    try {
      await rename(draft, folder);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    }
  }
}

/** Gives a file that a crash has cut short, or that someone has changed, its content again. */
async function repair(file: string, source: string): Promise<void> {
  const found = await readFile(file, "utf8").catch(() => null);
  if (found === source) return;
  await mkdir(dirname(file), privateFolder);
  await writeFile(file, source, privateFile);
}

function contentName(modules: readonly CodeModule[], env: Environment): string {
  const parts = [
    modules.map(({ path, sha256 }) => [path, sha256]).toSorted(byFirst),
    Object.entries(env).toSorted(byFirst),
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

function byFirst([a = ""]: readonly string[], [b = ""]: readonly string[]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** In a temporary folder, packages are found where the process was started. */
async function makeTemporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "trueup-code-"));
  const packages = nearestPackages(process.cwd());
  if (packages !== null) await symlink(packages, join(folder, "node_modules"), "dir");
  return folder;
}

function nearestPackages(from: string): string | null {
  const candidate = join(from, "node_modules");
  if (existsSync(candidate)) return candidate;
  return dirname(from) === from ? null : nearestPackages(dirname(from));
}

/**
 * A module's source map for its place on disk; null when it is none, or when the app's folder is not known. The CLI bundles
 * into a folder `out` of the app that never exists, and the map names its sources relative to that.
 * @param path The module's path as it was pushed.
 * @param file Where it will be.
 */
export function locateSources(sourceMap: string, path: string, file: string): string | null {
  const app = appFolder(dirname(dirname(file.slice(0, -path.length - 1))));
  const map = parse(sourceMap);
  if (app === null || map === null) return null;
  const bundled = join(app, "out", dirname(path));
  const sources = map.sources.map((source) => relative(dirname(file), join(bundled, source)));
  return JSON.stringify({ ...map, sources });
}

/** The nearest folder with a package.json. */
function appFolder(from: string): string | null {
  if (existsSync(join(from, "package.json"))) return from;
  return dirname(from) === from ? null : appFolder(dirname(from));
}

interface SourceMap {
  readonly sources: readonly string[];
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
  return typeof map === "object" && map !== null && "sources" in map && Array.isArray(map.sources);
}
