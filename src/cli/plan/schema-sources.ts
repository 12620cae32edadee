/**
 * Where the sources of schemas lie: the app's own folder, or a commit's files in a temporary folder. Packages always come
 * from the app's node_modules, so a plan installs nothing. Of a commit, the functions folder is written first, which is
 * enough for most apps. `complete` writes every source file of the repository, for schemas that import from elsewhere in it.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, extname, join, relative, sep } from "node:path";
import type { Loader, Plugin } from "esbuild";
import { functionsFolderOf, type AppFolder } from "../app/app-folder.js";
import type { Commit, Git, TreeFile } from "./git.js";

/** The sources of one state of the app. */
export interface SchemaSources {
  /** The folder that stands for the app's. */
  readonly appRoot: string;
  /** Absolute; it may not exist. */
  readonly functionsFolder: string;
  /** The folders of packages, in the order in which they are searched. */
  readonly nodePaths: string[];
  readonly plugins: Plugin[];
  /** Writes the files that are still missing; resolves with false when none is. */
  complete(): Promise<boolean>;
  /** Removes what was written for this. */
  remove(): void;
}

/** The app as it is on disk. */
export function workingSources(app: AppFolder): SchemaSources {
  return {
    appRoot: app.root,
    functionsFolder: join(app.root, app.functionsFolder),
    nodePaths: [],
    plugins: [],
    complete: () => Promise.resolve(false),
    remove: () => {},
  };
}

const sourceFile = /\.([cm]?[jt]sx?|json)$/;
const settingsFile = /(^|\/)(package|convex|tsconfig[^/]*)\.json$/;
/** A larger file holds data, which no schema imports. */
const maxSizeBytes = 1 << 20;

/** The app as it is in a commit. @throws GIT_REF_UNREADABLE when git does not answer */
export async function commitSources(app: AppFolder, git: Git, commit: Commit): Promise<SchemaSources> {
  const repository = realpathSync(await git.root());
  const home = realpathSync(app.root);
  const inRepository = relative(repository, home).replaceAll(sep, "/");
  const files = await git.files(commit);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "trueup-plan-")));
  try {
    await writeFiles(
      git,
      files.filter(({ path }) => settingsFile.test(path)),
      folder,
    );
    const appRoot = join(folder, inRepository);
    const functions = functionsFolderOf(appRoot);
    const inFunctions = `${inRepository === "" ? "" : `${inRepository}/`}${functions}/`;
    const first = files.filter(({ path }) => path.startsWith(inFunctions) && isSource(path));
    await writeFiles(git, first, folder);
    let isComplete = false;
    return {
      appRoot,
      functionsFolder: join(appRoot, functions),
      nodePaths: packageFolders(home),
      plugins: [packagesOfTheRepository(repository, folder, files)],
      complete: async () => {
        if (isComplete) return false;
        isComplete = true;
        await writeFiles(
          git,
          files.filter(({ path, sizeBytes }) => isSource(path) && sizeBytes < maxSizeBytes),
          folder,
        );
        return true;
      },
      remove: () => rmSync(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function isSource(path: string): boolean {
  return sourceFile.test(path) && !`/${path}`.includes("/node_modules/");
}

async function writeFiles(git: Git, files: readonly TreeFile[], folder: string): Promise<void> {
  const missing = files.filter(({ path }) => !existsSync(join(folder, path)));
  const contents = await git.contents(missing.map(({ blob }) => blob));
  missing.forEach(({ path, isLink }, index) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    const content = contents[index] ?? Buffer.of();
    if (isLink) symlinkSync(content.toString("utf8"), file);
    else writeFileSync(file, content);
  });
}

/** The node_modules that Node would search from a folder. */
function packageFolders(from: string): string[] {
  const above = dirname(from);
  const own = join(from, "node_modules");
  return [...(existsSync(own) ? [own] : []), ...(above === from ? [] : packageFolders(above))];
}

/** Takes packages that are folders of the repository, and are linked into node_modules, from the commit too. */
function packagesOfTheRepository(repository: string, folder: string, files: readonly TreeFile[]): Plugin {
  const known = new Set(files.map(({ path }) => path));
  return {
    name: "packages of the repository",
    setup(build) {
      build.onLoad({ filter: sourceFile, namespace: "file" }, ({ path }) => {
        const inside = relative(repository, path).replaceAll(sep, "/");
        if (inside.startsWith("..") || inside.includes("node_modules/") || !known.has(inside)) {
          return undefined;
        }
        const file = join(folder, inside);
        if (!existsSync(file)) return { errors: [{ text: `${inside} was not read from git yet.` }] };
        return {
          contents: readFileSync(file, "utf8"),
          loader: loaderOf(path),
          resolveDir: dirname(file),
        };
      });
    },
  };
}

function loaderOf(path: string): Loader {
  const kind = extname(path).slice(1).replace(/^[cm]/, "");
  return kind === "ts" || kind === "tsx" || kind === "jsx" || kind === "json" ? kind : "js";
}
