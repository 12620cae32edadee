/**
 * Writes a plan's migrations into the app as a module of their own, and also the module that they import, if the app has
 * none. It never overwrites a file. An app without this package gets the form that runs everywhere.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { TrueupError } from "../../errors/index.js";
import { changeTarget, migrationModule, type MigrationForm, type SchemaPlan } from "../../schema/index.js";
import type { AppFolder } from "../app/app-folder.js";

/** What was written, and what is left to do by hand. */
export interface WrittenMigrations {
  /** Paths from the app's folder. */
  readonly files: readonly string[];
  /** The names of the migrations: `migrateTeams:migrateTeams`. */
  readonly functions: readonly string[];
  readonly advice: readonly string[];
}

/** Where and in which form to write. */
export interface WriteOptions {
  /** The module's file, seen from `folder`; undefined for a file in the functions' folder named for the migration. */
  readonly file: string | undefined;
  readonly folder: string;
  readonly form: MigrationForm;
  readonly mountsMigrations: boolean;
}

/** Writes the modules. @throws FILE_EXISTS; INVALID_USAGE for a file that is no module of the functions' folder */
export function writeMigrations(
  app: AppFolder,
  { migrations: all, changes }: SchemaPlan,
  { file, folder, form, mountsMigrations }: WriteOptions,
): WrittenMigrations {
  const home = join(app.root, app.functionsFolder);
  const migrations = all.filter((migration) => migration[form] !== null);
  const [only, ...others] = migrations;
  if (only === undefined) return { files: [], functions: [], advice: [] };
  const name = others.length === 0 ? only.name : "schemaMigrations";
  const target = file === undefined ? join(home, `${name}.ts`) : resolve(folder, file);
  const inFunctions = relative(home, target).replaceAll(sep, "/");
  if (!/^(?!\.\.)[\w/]+\.ts$/.test(inFunctions)) {
    throw new TrueupError(
      "INVALID_USAGE",
      `${relative(app.root, target)} cannot be a module of ${app.functionsFolder}/. Name a .ts file in it, with letters, digits and underscores.`,
      { file: target },
    );
  }
  if (existsSync(target)) {
    throw new TrueupError("FILE_EXISTS", `${relative(app.root, target)} exists already.`, { file: target });
  }
  const instance = join(home, "migrations.ts");
  const files = [target];
  if (!existsSync(instance)) {
    files.unshift(instance);
    writeFileSync(instance, instanceSource(app));
  }
  const from = relative(dirname(target), join(home, "migrations.js")).replaceAll(sep, "/");
  const waivers = changes.flatMap((change) => {
    const [, waiver] = /^waived by (\S+)$/.exec(change.because ?? "") ?? [];
    return waiver === undefined ? [] : [`${waiver}:${changeTarget(change)}`];
  });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(
    target,
    migrationModule(migrations, form, from.startsWith(".") ? from : `./${from}`, waivers),
  );
  const modulePath = inFunctions.replace(/\.ts$/, "");
  const functions = migrations.map((migration) => `${modulePath}:${migration.name}`);
  return {
    files: files.map((path) => relative(app.root, path)),
    functions,
    advice: [
      ...adviceFor(app, mountsMigrations),
      ...(form === "transform"
        ? ["Deploy it together with the new schema: all documents are rehearsed before anything changes."]
        : functions.map((migration) => `Rehearse it: npx convex run ${migration} '{"dryRun": true}'`)),
    ],
  };
}

/** The form that an app can run: a transform needs this package, the other form runs everywhere. */
export function usualForm(app: AppFolder): MigrationForm {
  return dependsOn(app, "trueup") ? "transform" : "migrateOne";
}

function instanceSource(app: AppFolder): string {
  return [
    `import { Migrations } from ${JSON.stringify(packageOf(app))};`,
    'import { components } from "./_generated/api.js";',
    'import type { DataModel } from "./_generated/dataModel.js";',
    "",
    "export const migrations = new Migrations<DataModel>(components.migrations);",
    "export const run = migrations.runner();",
    "",
  ].join("\n");
}

function adviceFor(app: AppFolder, mountsMigrations: boolean): readonly string[] {
  const advice: string[] = [];
  const library = packageOf(app).split("/")[0] === "trueup" ? "trueup" : packageOf(app);
  if (!dependsOn(app, library)) advice.push(`Install the library: npm install ${library}`);
  if (!mountsMigrations) {
    advice.push(
      `Mount the component in ${app.functionsFolder}/convex.config.ts: import migrations from "${packageOf(app)}/convex.config"; app.use(migrations);`,
    );
  }
  return advice;
}

/** The library of migrations that the app uses, or is to use. */
function packageOf(app: AppFolder): string {
  const isPublished = !dependsOn(app, "trueup") && dependsOn(app, "@convex-dev/migrations");
  return isPublished ? "@convex-dev/migrations" : "trueup/migrations";
}

function dependsOn({ root }: AppFolder, name: string): boolean {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Readonly<
    Record<string, Readonly<Record<string, string>> | undefined>
  >;
  return ["dependencies", "devDependencies"].some((kind) => manifest[kind]?.[name] !== undefined);
}
