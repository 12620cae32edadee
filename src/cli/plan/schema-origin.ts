/**
 * What a plan compares the app's schema with: a git commit, a file, or the deployment. Where nothing is asked for, it is the
 * deployment if the app has one here, else the remote's default branch, which is what most projects deploy, else the
 * last commit.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { TrueupError } from "../../errors/index.js";
import { parseSchema } from "../../schema/index.js";
import { hasData, type AppFolder } from "../app/app-folder.js";
import { evaluateSchemaFile, evaluateSchemas, type AppSchemas, type Esbuild } from "./evaluate-schemas.js";
import { Git, type Commit } from "./git.js";
import { commitSources, workingSources } from "./schema-sources.js";

/** Where the former schema comes from, in JSON values only. */
export type SchemaOrigin =
  | { readonly kind: "deployment"; readonly url: string | null; readonly dataFile: string }
  | { readonly kind: "git"; readonly ref: string; readonly commit: string }
  | { readonly kind: "file"; readonly file: string };

/** An origin that was found, but not read yet. */
export type OriginChoice =
  | { readonly kind: "deployment" }
  | { readonly kind: "git"; readonly git: Git; readonly commit: Commit }
  | { readonly kind: "file"; readonly file: string };

/**
 * Finds what `--from` names. A file goes before a git ref of the same name.
 *
 * @throws DATA_FILE_MISSING when the deployment is asked for and there is none; GIT_REF_UNREADABLE when git knows no such ref.
 */
export async function chooseOrigin(
  app: AppFolder,
  folder: string,
  from: string | undefined,
): Promise<OriginChoice> {
  if (from === "deployment" || (from === undefined && hasData(app))) {
    if (hasData(app)) return { kind: "deployment" };
    throw new TrueupError("DATA_FILE_MISSING", undefined, { file: app.dataFile });
  }
  const git = new Git(app.root);
  if (from === undefined) return { kind: "git", git, commit: await git.defaultCommit() };
  const file = resolve(folder, from);
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return { kind: "file", file };
  return { kind: "git", git, commit: await git.commit(from) };
}

/**
 * The schemas of a commit: none when it has no folder of functions, since there was nothing to deploy then.
 *
 * @throws SCHEMA_UNREADABLE when a schema cannot be evaluated; INVALID_SCHEMA; GIT_REF_UNREADABLE
 */
export async function schemasOfCommit(
  app: AppFolder,
  esbuild: Esbuild,
  { git, commit }: Extract<OriginChoice, { kind: "git" }>,
): Promise<AppSchemas> {
  const sources = await commitSources(app, git, commit);
  try {
    if (!existsSync(sources.functionsFolder)) return new Map();
    return await evaluateSchemas(esbuild, sources);
  } catch (error) {
    if (!(error instanceof TrueupError)) throw error;
    throw new TrueupError(error.code, `${commit.ref}: ${error.message}`, error.details, error);
  } finally {
    sources.remove();
  }
}

/** The schema of a file: a module that exports it by default, or its JSON. @throws SCHEMA_UNREADABLE, INVALID_SCHEMA */
export async function schemasOfFile(app: AppFolder, esbuild: Esbuild, file: string): Promise<AppSchemas> {
  if (extname(file) === ".json") return new Map([["", parseSchema(readFileSync(file, "utf8"))]]);
  return await evaluateSchemaFile(esbuild, workingSources(app), file);
}
