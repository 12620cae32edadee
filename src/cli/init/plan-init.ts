/**
 * What `trueup init` makes of a folder: decided before anything is written, so that whatever speaks against it is said while
 * the folder is as it was. A file that is there is never overwritten; package.json and .gitignore gain what they lack.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { TrueupError } from "../../errors/index.js";
import { assertNoOtherBackend } from "../app/admin-key.js";
import { dataFolderOf, functionsFolderOf, readJson } from "../app/app-folder.js";
import { examples, type AppFiles, type ExampleName } from "./app-files.js";
import { withIgnored } from "./ignored.js";
import { manifestText, newManifest, withApp, type Manifest, type Ranges } from "./manifest.js";
import { packageManagerOf, type PackageManager } from "./package-manager.js";

export interface InitRequest {
  /** Where the command runs. */
  readonly folder: string;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The example that was asked for; undefined for the usual one, in an app that has no functions yet. */
  readonly example: ExampleName | undefined;
  readonly needed: Ranges;
}

export interface InitPlan {
  /** The app's folder: the one of the nearest package.json of the project. */
  readonly root: string;
  readonly functionsFolder: string;
  /** By their path from the root, with the text that each is to have. */
  readonly created: ReadonlyMap<string, string>;
  readonly changed: ReadonlyMap<string, string>;
  /** What is there, and stays as it is. */
  readonly kept: readonly string[];
  readonly packageManager: PackageManager;
  /** Packages that the app needs, and cannot load yet. */
  readonly lacking: readonly string[];
  /** Tries the example: arguments of `trueup`. Undefined in an app that has functions of its own. */
  readonly firstCall: string | undefined;
}

/**
 * Decides what to write.
 *
 * @throws FILE_EXISTS when an example was asked for that needs a file which is there with another text; MALFORMED_JSON for
 *   package.json and convex.json; OTHER_BACKEND_CONFIGURED
 */
export function planInit({ folder, env, example, needed }: InitRequest): InitPlan {
  const project = projectFolders(folder);
  const root = rootIn(project, folder);
  const functionsFolder = functionsFolderOf(root);
  assertNoOtherBackend({ root, functionsFolder, ...dataFolderOf(root) }, env);
  const chosen = chooseExample(join(root, functionsFolder), example);
  const wanted = new Map([
    ["package.json", manifestOf(root, needed)],
    [".gitignore", withIgnored(readText(root, ".gitignore") ?? "", ["node_modules", ".env.local"])],
    ...functionFiles(root, functionsFolder, chosen === undefined ? {} : examples[chosen].files),
  ]);
  const texts = [...wanted].map(([path, text]) => ({ path, text, before: readText(root, path) }));
  return {
    root,
    functionsFolder,
    created: pathsWithTexts(texts.filter(({ before }) => before === undefined)),
    changed: pathsWithTexts(texts.filter(({ before, text }) => before !== undefined && before !== text)),
    kept: [
      ...texts.filter(({ before, text }) => before === text).map(({ path }) => path),
      ...(chosen === undefined ? [`${functionsFolder}/`] : []),
    ],
    packageManager: packageManagerOf(
      project.filter((each) => root.startsWith(each)),
      env,
    ),
    lacking: lackingIn(root, Object.keys(needed)),
    firstCall: chosen === undefined ? undefined : examples[chosen].firstCall,
  };
}

function pathsWithTexts(
  files: readonly { readonly path: string; readonly text: string }[],
): ReadonlyMap<string, string> {
  return new Map(files.map(({ path, text }) => [path, text]));
}

/** The folder and those above it, up to the root of its git repository; the folder alone where there is none. */
function projectFolders(folder: string): readonly string[] {
  const folders = [folder];
  for (let last = folder; !existsSync(join(last, ".git"));) {
    const above = dirname(last);
    if (above === last) return [folder];
    folders.push(above);
    last = above;
  }
  return folders;
}

/** An empty folder becomes an app of its own; another one may lie inside of the app that is meant, as `src/` does. */
function rootIn(project: readonly string[], folder: string): string {
  const isEmpty = readdirSync(folder).every((name) => name.startsWith("."));
  if (isEmpty) return folder;
  return project.find((each) => existsSync(join(each, "package.json"))) ?? folder;
}

function manifestOf(root: string, needed: Ranges): string {
  const before = readText(root, "package.json");
  const manifest = readJson<Manifest>(join(root, "package.json")) ?? newManifest(basename(root));
  const after = withApp(manifest, needed);
  return before !== undefined && JSON.stringify(after) === JSON.stringify(manifest)
    ? before
    : manifestText(after, before ?? "");
}

/** The example to write; undefined where an app has functions and none was asked for. */
function chooseExample(functions: string, asked: ExampleName | undefined): ExampleName | undefined {
  if (asked !== undefined) return asked;
  const names = existsSync(functions) ? readdirSync(functions) : [];
  const hasFunctions = names.some((name) => /\.[cm]?[jt]sx?$/.test(name));
  return hasFunctions ? undefined : "messages";
}

/** @throws FILE_EXISTS */
function functionFiles(root: string, functionsFolder: string, files: AppFiles): [string, string][] {
  const all = Object.entries(files).map(([name, text]): [string, string] => [
    `${functionsFolder}/${name}`,
    text,
  ]);
  // An app may type-check its functions in its own way; no other file of an example can be another one.
  const own = all.filter(([path]) => !path.endsWith("/tsconfig.json") || readText(root, path) === undefined);
  const taken = own.filter(([path, text]) => (readText(root, path) ?? text) !== text).map(([path]) => path);
  if (taken.length === 0) return own;
  throw new TrueupError(
    "FILE_EXISTS",
    `The example needs ${taken.join(" and ")} for itself, and ${taken.length === 1 ? "that exists" : "they exist"}.`,
    { root, files: taken },
  );
}

function lackingIn(root: string, names: readonly string[]): readonly string[] {
  const require = createRequire(join(root, "package.json"));
  return names.filter((name) => {
    try {
      require.resolve(`${name}/package.json`);
      return false;
    } catch {
      return true;
    }
  });
}

function readText(root: string, path: string): string | undefined {
  const file = join(root, path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
