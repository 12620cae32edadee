/**
 * What a deploy is told in code: transforms, which are changes of a table's documents by pure functions, renames, waivers, and
 * the migrations that it starts. A database that knows these declarations finds them among the exports of modules by their
 * brands; Convex Cloud passes them over. All but the migrations are declarations only, and no functions of the app.
 */
import type { DocumentByName, GenericDataModel, GenericDocument, TableNamesInDataModel } from "convex/server";
import {
  migrationBrand,
  transformBrand,
  waiverBrand,
  type DeclaredTableRename,
  type DeclaredTransform,
  type DeclaredWaivers,
  type DeployMigration,
} from "../../../seams/index.js";
import type { ComponentApi } from "../component/_generated/component.js";
import { migrationError } from "../component/failures.js";
import type { PlainDefinition } from "./definition.js";
import { targetNamed, type MutationCtx, type QueryCtx } from "./starter.js";

/** What `define` returns for a transform and `renameField` for a rename. Export it. */
export interface Transform {
  readonly [transformBrand]: DeclaredTransform;
}

/** What `renameTable` returns. Export it. */
export interface TableRename {
  readonly [transformBrand]: DeclaredTableRename;
}

/** What `waive` returns. Export it. */
export interface Waivers {
  readonly [waiverBrand]: DeclaredWaivers;
}

/**
 * A waiver with the place that it is for: a table, or a field by its path. A table of a component stands behind the path of the
 * component and a slash.
 */
export type WaiverText = `${"drop-field" | "drop-table" | "data-already-fits" | "lossy-down"}:${string}`;

/**
 * Gives your word that a rule need not stop the deploy, by the name of the rule and the place:
 * `waive("drop-field:users.legacy")`, and for a component's table `waive("drop-table:billing/bills")`. Export what it returns,
 * from any module; no component has to be mounted for it. It affects only the changes that it names, so it may stay after the
 * deploy; docs/schema-changes.md lists all waivers.
 */
export function waive(...waivers: WaiverText[]): Waivers {
  return { [waiverBrand]: { waivers } };
}

/** A document without the fields that belong to the database. */
type Fields<Doc> = Doc extends unknown ? Omit<Doc, "_id" | "_creationTime"> : never;

/** What `Migrations.define` takes for a transform. */
export interface TransformDefinition<
  DataModel extends GenericDataModel,
  TableName extends TableNamesInDataModel<DataModel>,
  From extends object = GenericDocument,
> {
  /** The table, by its name in the new schema. */
  table: TableName;
  /**
   * Returns the document as the new schema has it, given the document as it was before. It must be pure and
   * synchronous, because it runs on every read of a document that has not been written through yet, and again when it
   * is. `_id` and `_creationTime` are kept, whether it returns them or not.
   */
  up: (doc: From) => Fields<DocumentByName<DataModel, TableName>>;
  /** Undoes `up`. With it, going back to the code before is as instant as the deploy. */
  down?: ((doc: DocumentByName<DataModel, TableName>) => Fields<From>) | undefined;
  /** The names of transforms that go first, like "migrations:addRole". */
  requires?: readonly string[] | undefined;
  /**
   * Says that `up` takes documents of either shape: those that a `runOnDeploy` migration of the table, which an earlier deploy
   * brought, has migrated, and those that it has not reached. The transform then takes the place of that migration, which the
   * deploy must no longer export. Without it such a deploy is refused until the migration is complete.
   */
  takesUnmigrated?: boolean | undefined;
}

/** A transform from its definition. @throws MIGRATION_ARGUMENTS when the definition cannot work */
export function transform(definition: {
  table: string;
  up: unknown;
  down?: unknown;
  requires?: readonly unknown[] | undefined;
  takesUnmigrated?: boolean | undefined;
}): Transform {
  const { table, up, down, requires = [], takesUnmigrated } = definition;
  const refuse = (why: string): Error =>
    migrationError("MIGRATION_ARGUMENTS", `The transform of ${table} cannot be defined: ${why}.`, { table });
  if (typeof up !== "function") throw refuse("`up` is no function");
  if (down !== undefined && typeof down !== "function") throw refuse("`down` is no function");
  const names = requires.filter((name) => typeof name === "string");
  if (names.length < requires.length) {
    throw refuse('`requires` of a transform names transforms as strings: "migrations:addRole"');
  }
  return {
    [transformBrand]: {
      kind: "transform",
      table,
      up: up as DeclaredTransform["up"],
      ...(down === undefined ? {} : { down: down as DeclaredTransform["up"] }),
      requires: names,
      ...(takesUnmigrated === true ? { takesUnmigrated } : {}),
    },
  };
}

/**
 * A transform that gives a field another name in its place.
 *
 * @throws MIGRATION_ARGUMENTS when `from` is no path or `to` no name
 */
export function fieldRename({ table, from, to }: { table: string; from: string; to: string }): Transform {
  const back = renameTargetOf(from, to);
  if (back === null) {
    const message =
      `A transform cannot rename ${from} of ${table} to ${to}: name the field by its path ` +
      `("address.zip", "items[].sku"), and its new name alone.`;
    throw migrationError("MIGRATION_ARGUMENTS", message, { table, from, to });
  }
  return {
    [transformBrand]: {
      kind: "transform",
      table,
      up: (doc) => renameAt(doc, from, to),
      down: (doc) => renameAt(doc, back.path, back.name),
      requires: [],
      rename: { from, to },
    },
  };
}

const pathPattern = /^[A-Za-z]\w*(\[\])*(\.[A-Za-z]\w*(\[\])*)*$/;
const namePattern = /^[A-Za-z]\w*$/;

/** Where the field is after the rename and what it was called; null when `from` is no path or `to` no name. */
function renameTargetOf(from: string, to: string): { path: string; name: string } | null {
  if (!pathPattern.test(from) || from.endsWith("]") || !namePattern.test(to)) return null;
  const end = from.lastIndexOf(".") + 1;
  return { path: from.slice(0, end) + to, name: from.slice(end) };
}

/**
 * A copy in which the field at the path has the new name, wherever the path leads: into nested objects (`address.zip`) and into
 * the objects of arrays (`items[].sku`). Where a value on the way is absent or of another type there is nothing to rename.
 * Throws an Error when there is a field of the new name already.
 */
function renameAt<Value>(value: Value, path: string, to: string): Value {
  return renameIn(value, path.replaceAll("[]", ".[]").split("."), to) as Value;
}

function renameIn(value: unknown, [step = "", ...rest]: readonly string[], to: string): unknown {
  if (step === "[]") {
    return Array.isArray(value) ? value.map((item: unknown) => renameIn(item, rest, to)) : value;
  }
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return value;
  if (Array.isArray(value) || value instanceof ArrayBuffer) return value;
  const fields = value as Readonly<Record<string, unknown>>;
  if (rest.length > 0) return { ...fields, [step]: renameIn(fields[step], rest, to) };
  if (Object.hasOwn(fields, to)) throw new Error(`There is a field ${to} beside ${step} already.`);
  const { [step]: moved, ...others } = fields;
  return { ...others, [to]: moved };
}

/** The same migration function, with the brand by which a deploy recognises that it has to start it. */
export function onDeploy<Migration extends object>(
  migration: Migration,
  component: ComponentApi,
  { table, requires, takesUnmigrated }: PlainDefinition,
): Migration {
  const offered: DeployMigration = {
    table,
    requires,
    ...(takesUnmigrated ? { takesUnmigrated } : {}),
    component,
    start: async (ctx: MutationCtx, name) =>
      ctx.runMutation(component.lib.migrate, {
        ...(await targetNamed(name)),
        dryRun: false,
        startedBy: "deploy",
      }),
    status: (ctx: QueryCtx | MutationCtx, names) =>
      ctx.runQuery(component.lib.getStatus, { names: [...names] }),
    cancel: (ctx: MutationCtx, name) => ctx.runMutation(component.lib.cancel, { name }),
  };
  return Object.assign(migration, { [migrationBrand]: offered });
}
