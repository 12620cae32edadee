/** Names for migrations, said after what they do: `addRoleToUsers`. */
import type { SchemaChange } from "../changes/schema-change.js";

/** The name of a table's migration: after its change when there is one, else after the table. */
export function migrationName(tableName: string, changes: readonly SchemaChange[]): string {
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
export function tableRenameName(from: string, to: string): string {
  return `rename${capitalized(from)}To${capitalized(to)}`;
}

/** "address.zip" as "AddressZip". */
function capitalized(name: string): string {
  const words = name.match(/[A-Za-z0-9]+/g) ?? [];
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
