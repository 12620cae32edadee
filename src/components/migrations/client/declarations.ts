/**
 * Transforms and what else a deploy is told in code: changes of a table's documents that are pure functions of the
 * document, renames, and waivers. They are declarations and no functions of the app: a database that knows them finds
 * them among the exports of modules by their brands and applies them when the deploy is put in place; Convex Cloud passes
 * them over.
 */
import type { DocumentByName, GenericDataModel, GenericDocument, TableNamesInDataModel } from "convex/server";
import {
  transformBrand,
  waiverBrand,
  type DeclaredTableRename,
  type DeclaredTransform,
  type DeclaredWaivers,
} from "../../../seams/index.js";
import { migrationError } from "../failures.js";
import { renameAt, renameTargetOf } from "./rename-at.js";

/** An exported transform, or rename of a field. */
export interface Transform {
  readonly [transformBrand]: DeclaredTransform;
}

/** An exported rename of a table. */
export interface TableRename {
  readonly [transformBrand]: DeclaredTableRename;
}

/** Exported waivers. */
export interface Waivers {
  readonly [waiverBrand]: DeclaredWaivers;
}

/** A waiver with the place that it is for: a table, or a field by its path; of a component, behind its path and a slash. */
export type WaiverText = `${"drop-field" | "drop-table" | "data-already-fits" | "lossy-down"}:${string}`;

/**
 * Your word, by name and place, that a rule need not stop the deploy: `waive("drop-field:users.legacy")`, and of a component's
 * table by its path, `waive("drop-table:billing/bills")`. Export what it returns, from any module; no component has to be
 * mounted for it. Only the changes it names are affected, so it may stay after the deploy; docs/schema-changes.md lists all.
 */
export function waive(...waivers: WaiverText[]): Waivers {
  return { [waiverBrand]: { waivers } };
}

/** A document without what belongs to the database. */
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
   * The document as the new schema has it, of one as it was before. Must be pure and synchronous: it runs on every read of
   * a document that has not been written through yet, and again when it is. `_id` and `_creationTime` are kept, whether
   * it returns them or not.
   */
  up: (doc: From) => Fields<DocumentByName<DataModel, TableName>>;
  /** Undoes `up`. With it, going back to the code before is as instant as the deploy. */
  down?: ((doc: DocumentByName<DataModel, TableName>) => Fields<From>) | undefined;
  /** Transforms that go first, by their names: "migrations:addRole". */
  requires?: readonly string[] | undefined;
  /**
   * Say so when `up` takes documents of either shape: those that a `runOnDeploy` migration of the table, which an earlier deploy
   * brought, has migrated, and those that it has not come to. The transform then takes that migration's place, which the
   * deploy must no longer export. Without it such a deploy is refused until the migration is complete.
   */
  takesUnmigrated?: boolean | undefined;
}

/** A definition without its types. Throws MIGRATION_ARGUMENTS. */
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

/** A transform that gives a field another name in its place. Throws MIGRATION_ARGUMENTS. */
export function fieldRename({ table, from, to }: { table: string; from: string; to: string }): Transform {
  const back = renameTargetOf(from, to);
  if (back === null) {
    const why = `cannot rename ${from} of ${table} to ${to}: name the field by its path ("address.zip", "items[].sku"), and its new name alone`;
    throw migrationError("MIGRATION_ARGUMENTS", `A transform ${why}.`, { table, from, to });
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
