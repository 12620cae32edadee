/**
 * What a plan compares the app's schema with: a git commit, a file, or the deployment. Without being told it is
 * the deployment where the app has one here, else the remote's default branch, which is what is deployed
 * in most projects, else the last commit.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { TrueupError } from "../../errors/index.js";
import { parseSchema } from "../../schema/index.js";
import { hasData, type AppFolder } from "../app/find-app.js";
import type { Esbuild } from "./esbuild.js";
import { evaluateSchemaFile, evaluateSchemas, type AppSchemas } from "./evaluate-schemas.js";
import { Git, type Commit } from "./git.js";
import { commitSources, workingSources } from "./schema-sources.js";

/** Where the schema before comes from. JSON values only. */
export type SchemaOrigin =
  | { readonly kind: "deployment"; readonly url: string | null; readonly dataFile: string }
  | { readonly kind: "git"; readonly ref: string; readonly commit: string }
  | { readonly kind: "file"; readonly file: string };

/** What was asked for, found but not read yet. */
export type OriginChoice =
  | { readonly kind: "deployment" }
  | { readonly kind: "git"; readonly git: Git; readonly commit: Commit }
  | { readonly kind: "file"; readonly file: string };

/**
 * Finds what `--from` names; a file goes before a git ref of the same name.
 * @throws DATA_FILE_MISSING, GIT_REF_UNREADABLE
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
 * The schemas of a commit. A commit without a functions folder had no deployment: there was nothing.
 * @throws SCHEMA_UNREADABLE, INVALID_SCHEMA, GIT_REF_UNREADABLE
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
