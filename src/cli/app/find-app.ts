/**
 * The app's folder and where Trueup keeps its things in it. An app is a folder with a package.json that
 * depends on `convex` and a folder of functions (`convex/`, or what convex.json names): the same folder in
 * which the official CLI runs.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TrueupError } from "../../errors/index.js";

export interface AppFolder {
  readonly root: string;
  /** From the root, without a slash at the end: `convex`. */
  readonly functionsFolder: string;
  /** `.trueup`, absolute; may not exist yet. */
  readonly dataFolder: string;
  readonly dataFile: string;
  /** Where pushed code lies as files, inside the app so that it finds the app's packages. */
  readonly codeFolder: string;
}

interface PackageJson {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/**
 * @throws APP_NOT_FOUND when the folder holds no app, with what is missing; MALFORMED_JSON when its
 *   package.json or convex.json cannot be read.
 */
export function findApp(root: string): AppFolder {
  const manifest = readJson<PackageJson>(join(root, "package.json"));
  if (manifest === undefined) throw notFound(root, "it has no package.json");
  if (manifest.dependencies?.["convex"] === undefined && manifest.devDependencies?.["convex"] === undefined) {
    throw notFound(root, "its package.json does not depend on convex");
  }
  const functionsFolder = functionsFolderOf(root);
  if (!statSync(join(root, functionsFolder), { throwIfNoEntry: false })?.isDirectory()) {
    throw notFound(root, `it has no ${functionsFolder}/ folder`);
  }
  const dataFolder = join(root, ".trueup");
  const dataFile = join(dataFolder, "data.sqlite");
  return { root, functionsFolder, dataFolder, dataFile, codeFolder: join(dataFolder, "code") };
}

/** Whether there is data, if only a log whose data file was deleted: who opens that, or has it open, says what is wrong. */
export function hasData({ dataFile }: AppFolder): boolean {
  return existsSync(dataFile) || existsSync(`${dataFile}-wal`);
}

/** Where convex.json says that the functions are, from the root. @throws MALFORMED_JSON */
export function functionsFolderOf(root: string): string {
  const settings = readJson<{ functions?: string }>(join(root, "convex.json"));
  return (settings?.functions ?? "convex").replace(/\/+$/, "");
}

/** Creates `.trueup/`, which ignores itself in git: it holds data and a key. */
export function prepareDataFolder(app: AppFolder): void {
  mkdirSync(app.dataFolder, { recursive: true, mode: 0o700 });
  const ignore = join(app.dataFolder, ".gitignore");
  if (!existsSync(ignore)) writeFileSync(ignore, "*\n", { mode: 0o600 });
}

function notFound(root: string, why: string): TrueupError {
  return new TrueupError("APP_NOT_FOUND", `${root} is not the folder of a Convex app: ${why}.`, { root });
}

/** The parsed file; undefined when there is none. */
function readJson<Shape>(path: string): Shape | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Shape;
  } catch (error) {
    throw new TrueupError("MALFORMED_JSON", `${path} is not JSON: ${String(error)}`, { path }, error);
  }
}
