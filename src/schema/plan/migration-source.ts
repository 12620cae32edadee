/**
 * Writes the migration of one table as TypeScript source, in both forms that `migrations.define` takes. A transform (`up` and,
 * to go back, `down`) is a pure function of the document and needs one deploy. `migrateOne` has a `ctx` and also runs on
 * Convex Cloud, between two deploys.
 */
import { inverseRenames, type FieldRenames } from "../changes/renames.js";
import { changeTarget, type SchemaChange } from "../changes/schema-change.js";
import type { ValidatorJson } from "../schema-json.js";
import { brackets, validatorSource } from "../source/schema-source.js";
import { propertyName } from "../source/value-text.js";
import { callbackBody, ConversionWriter, type ObjectConversion } from "./convert-source.js";
import { mergeTypes } from "./widen-schema.js";

/** A table's migration, ready to be written to a file and edited. */
export interface MigrationStub {
  /** The name to export it under: `addRoleToUsers`. */
  readonly name: string;
  readonly tableName: string;
  /** The places that it changes: `users.role`. */
  readonly covers: readonly string[];
  /**
   * `migrations.define({ table, up, down })`, with the types of the documents before and after, or the
   * declaration of a rename where nothing else changes.
   */
  readonly transform: string;
  /** `migrations.define({ table, migrateOne })`, for documents of both shapes; null for a renamed table. */
  readonly migrateOne: string | null;
  /** The values that were made up; the author should look at each. */
  readonly decisions: readonly string[];
  /** The values that `down` of the transform makes up, so that they are not what they were; the author should look at each. */
  readonly downDecisions: readonly string[];
  /** The conversions that are still to be written; until then the stub throws there. */
  readonly unresolved: readonly string[];
}

/** The document types of a table before and after, and how its fields are renamed. */
export interface TableTypes {
  readonly tableName: string;
  readonly before: ValidatorJson;
  readonly after: ValidatorJson;
  readonly renames: FieldRenames;
}

/** Which form of migration to write. */
export type MigrationForm = "transform" | "migrateOne";

/**
 * The migration that takes a table's documents from one type to another.
 * @param changes The changes that make it necessary, for its name and comments.
 */
export function migrationStub(types: TableTypes, changes: readonly SchemaChange[]): MigrationStub {
  const { tableName, before, after, renames } = types;
  const name = migrationName(tableName, changes);
  const stored = mergeTypes(before, after);
  const up = new ConversionWriter(tableName, renames);
  const down = new ConversionWriter(tableName, inverseRenames(renames));
  const upSource = transformSource(up, before, after, [`${name}From`, `${name}To`]);
  const downSource = transformSource(down, after, before, [`${name}To`, `${name}From`]);
  const one = new ConversionWriter(tableName, renames);
  const downDecisions = down.decisions.map((decision) => `${decision}, on the way back`);
  const table = `  table: ${JSON.stringify(tableName)},`;
  return {
    name,
    tableName,
    covers: [...new Set(changes.map(changeTarget))],
    transform:
      renameSource(types, name, changes) ??
      [
        `const ${name}From = ${validatorSource(before)};`,
        `const ${name}To = ${validatorSource(after)};`,
        "",
        ...commentLines(changes, up, downDecisions),
        `export const ${name} = migrations.define({`,
        table,
        `  up: ${upSource},`,
        `  down: ${downSource},`,
        "});",
        "",
      ].join("\n"),
    migrateOne: [
      `const ${name}Stored = ${validatorSource(stored)};`,
      "",
      ...commentLines(changes, up),
      `export const ${name} = migrations.define({`,
      table,
      `  migrateOne: ${migrateOneSource(one, tableName, stored, after, `${name}Stored`)},`,
      "});",
      "",
    ].join("\n"),
    decisions: up.decisions,
    downDecisions,
    unresolved: up.unresolved,
  };
}

/** The declaration that a table has a new name. It is one step, which keeps the documents and their ids. */
export function tableRenameStub(from: string, to: string): MigrationStub {
  const name = tableRenameName(from, to);
  const declared = `{ from: ${JSON.stringify(from)}, to: ${JSON.stringify(to)} }`;
  return {
    name,
    tableName: to,
    covers: [to],
    transform: `export const ${name} = migrations.renameTable(${declared});\n`,
    migrateOne: null,
    decisions: [],
    downDecisions: [],
    unresolved: [],
  };
}

/** The declaration of a renamed field, when that is all that changes. */
function renameSource(
  { tableName, before, after, renames }: TableTypes,
  name: string,
  changes: readonly SchemaChange[],
): string | undefined {
  const [[pattern, to] = [], ...others] = renames;
  const isAll = others.length === 0 && changes.length === 1 && changes[0]?.rule === "field-renamed";
  if (pattern === undefined || to === undefined || !isAll || !/^\.[\w.[\]]+$/.test(pattern)) return undefined;
  if (before.type !== "object" || after.type !== "object") return undefined;
  const declared = { table: tableName, from: pattern.slice(1), to };
  const fields = Object.entries(declared).map(([field, value]) => `${field}: ${JSON.stringify(value)}`);
  return [
    ...commentLines(changes, new ConversionWriter(tableName, renames)),
    `export const ${name} = migrations.renameField({ ${fields.join(", ")} });`,
    "",
  ].join("\n");
}

/**
 * A whole module of migrations.
 * @param importPath The module that exports `migrations`, the app's instance of `Migrations`.
 * @param waivers Waivers with their targets. They are declared beside transforms, so that the deploy knows them too.
 */
export function migrationModule(
  stubs: readonly MigrationStub[],
  form: MigrationForm,
  importPath: string = "./migrations.js",
  waivers: readonly string[] = [],
): string {
  const waived =
    form === "transform" && waivers.length > 0 ? [waiverSource("migrations.waive", waivers)] : [];
  const sources = [...stubs.flatMap((stub) => stub[form] ?? []), ...waived].join("\n");
  const types = [
    ...(sources.includes("Infer<") ? ["type Infer"] : []),
    ...(sources.includes("GenericId<") ? ["type GenericId"] : []),
    ...(/\bv\./.test(sources) ? ["v"] : []),
  ];
  const declaration = [
    "/** Marks what is still to be written, and throws until it is. */",
    "function unfinished(what: string): never {",
    // The backquotes belong to the module that is written.
    "  throw new Error(`This migration is not finished: ${what}`);",
    "}",
    "",
  ];
  return [
    ...(types.length === 0 ? [] : [`import { ${types.toSorted().join(", ")} } from "convex/values";`]),
    `import { migrations } from ${JSON.stringify(importPath)};`,
    "",
    ...(/\bunfinished\(/.test(sources) ? declaration : []),
    sources,
  ].join("\n");
}

/** The source of a module that declares waivers and does nothing else. */
export function waiverModule(waivers: readonly string[]): string {
  return `import { waive } from ${JSON.stringify("trueup/migrations")};\n${waiverSource("waive", waivers)}`;
}

function waiverSource(waive: string, waivers: readonly string[]): string {
  const texts = [...new Set(waivers)].map((waiver) => `  ${JSON.stringify(waiver)},`);
  return [`export const waivers = ${waive}(`, ...texts, ");", ""].join("\n");
}

/**
 * A function from documents of one type to those of another.
 * @param names The names of the two types' validators in the source.
 */
function transformSource(
  writer: ConversionWriter,
  before: ValidatorJson,
  after: ValidatorJson,
  [from, to]: readonly [string, string],
): string {
  const parameter = `(doc: Infer<typeof ${from}>): Infer<typeof ${to}>`;
  if (before.type !== "object" || after.type !== "object") {
    return `${parameter} => ${callbackBody(writer.convert(before, after, "doc"))}`;
  }
  const { removed, set } = writer.convertObject(before, after, "doc");
  const fields = (depth: number): string => {
    const spread = removed.length === 0 ? "...doc" : "...kept";
    return brackets("{", "}", () => [spread, ...fieldSources(set)], depth, " ");
  };
  if (removed.length === 0) {
    return set.length === 0 ? `${parameter} => doc` : `${parameter} => (${fields(1)})`;
  }
  const names = removed.map((name) => `${propertyName(name)}: _${name}`).join(", ");
  return [
    `${parameter} => {`,
    `    const { ${names}, ...kept } = doc;`,
    `    return ${set.length === 0 ? "kept" : fields(2)};`,
    "  }",
  ].join("\n");
}

/** A function that patches documents of one object type, and replaces all others. */
function migrateOneSource(
  writer: ConversionWriter,
  tableName: string,
  stored: ValidatorJson,
  after: ValidatorJson,
  type: string,
): string {
  if (stored.type === "object" && after.type === "object") {
    const { removed, set } = writer.convertObject(stored, after, "doc");
    const fields = [...fieldSources(set), ...removed.map((name) => `${propertyName(name)}: undefined`)];
    const parameters = `(_ctx, doc: Infer<typeof ${type}>)`;
    const used = `migrateOne: ${parameters} => (`.length;
    return `${parameters} => (${brackets("{", "}", () => fields, 1, " ", used)})`;
  }
  const id = `{ _id: GenericId<${JSON.stringify(tableName)}> }`;
  return [
    `async (ctx, doc: Infer<typeof ${type}> & ${id}) => {`,
    `    await ctx.db.replace(doc._id, ${writer.convert(stored, after, "doc")});`,
    "  }",
  ].join("\n");
}

function fieldSources(set: ObjectConversion["set"]): readonly string[] {
  return set.map(([name, expression]) => `${propertyName(name)}: ${expression}`);
}

function commentLines(
  changes: readonly SchemaChange[],
  writer: ConversionWriter,
  downDecisions: readonly string[] = [],
): readonly string[] {
  return [
    "/**",
    ...new Set(changes.map((change) => ` * ${changeTarget(change)}: ${change.rule}.`)),
    ...[...writer.decisions, ...downDecisions].map((decision) => ` * Check: ${decision}.`),
    ...writer.unresolved.map((what) => ` * To write: ${what}.`),
    " */",
  ];
}

/** The name of a table's migration: that of its change when there is only one, else that of the table. */
function migrationName(tableName: string, changes: readonly SchemaChange[]): string {
  const table = capitalized(tableName);
  const [change] = changes;
  if (change?.path === undefined || change.path === "" || changes.length > 1) {
    return `migrate${table}`;
  }
  const field = capitalized(change.path);
  switch (change.rule) {
    case "field-added-required":
      return `add${field}To${table}`;
    case "field-removed":
      return `remove${field}From${table}`;
    case "field-made-required":
      return `require${field}In${table}`;
    case "field-renamed":
      return `rename${capitalized(change.before ?? "")}To${capitalized(change.after ?? "")}In${table}`;
    default:
      return `convert${field}In${table}`;
  }
}

/** The name of a table's rename: `renameUsersToPeople`. */
function tableRenameName(from: string, to: string): string {
  return `rename${capitalized(from)}To${capitalized(to)}`;
}

/** "address.zip" as "AddressZip". */
function capitalized(name: string): string {
  const words = name.match(/[A-Za-z0-9]+/g) ?? [];
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
