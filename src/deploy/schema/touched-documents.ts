/** Which documents of some tables were written since a moment: those that have to be looked at once more. */
import type { Database } from "../../database/index.js";
import { encodeId } from "../../values/index.js";
import type { TableToCheck } from "./check-documents.js";

export class TouchedDocuments {
  readonly #ids = new Map<string, Set<string>>();
  readonly #stop: () => void;

  constructor(database: Database, tables: readonly TableToCheck[]) {
    for (const { componentPath, table } of tables)
      this.#ids.set(keyOf(componentPath, table.tableName), new Set());
    this.#stop = database.onCommit((commit) => {
      for (const { table, internalId } of commit.documents()) {
        this.#ids.get(keyOf(table.componentPath, table.name))?.add(encodeId(table.number, internalId));
      }
    });
  }

  of({ componentPath, table }: TableToCheck): ReadonlySet<string> {
    return this.#ids.get(keyOf(componentPath, table.tableName)) ?? new Set();
  }

  stop(): void {
    this.#stop();
  }
}

function keyOf(componentPath: string, tableName: string): string {
  return `${componentPath}\0${tableName}`;
}
