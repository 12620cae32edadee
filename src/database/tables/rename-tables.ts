/** Renames tables. Only the catalog changes, because ids and keys hold the number of a table. */
import { TrueupError } from "../../errors/index.js";
import type { TableEntry } from "../catalog/catalog.js";
import { removeTable, renameTables as renamed } from "../catalog/edits.js";
import type { TransactionState } from "../transaction/transaction.js";
import { noTable } from "../transforms/prepared-transforms.js";

/**
 * Gives tables other names, all at once, so that tables may take each other's. O(tables). An empty table that has one of
 * the new names and keeps it makes way.
 * @param names New names by old ones.
 * @throws TABLE_NOT_FOUND, TABLE_EXISTS, INVALID_TABLE_NAME
 */
export async function renameTables(
  state: TransactionState,
  path: string,
  names: ReadonlyMap<string, string>,
): Promise<void> {
  const moving = new Map<TableEntry, string>();
  for (const [from, to] of names) {
    const table = state.catalog.table(path, from);
    if (table === undefined) throw noTable(path, from);
    if (from !== to) moving.set(table, to);
  }
  for (const to of moving.values()) {
    const taken = state.catalog.table(path, to);
    if (taken !== undefined && !moving.has(taken)) await makeWay(state, taken);
  }
  if (moving.size > 0) state.edit(renamed(state.catalog, path, moving));
}

async function makeWay(state: TransactionState, table: TableEntry): Promise<void> {
  const { documents } = await state.counts(table);
  if (documents > 0) {
    throw new TrueupError("TABLE_EXISTS", `There is a table "${table.name}" with documents already.`, {
      table: table.name,
      componentPath: table.componentPath,
      documents,
    });
  }
  state.forgetWrites(table.id);
  state.edit(removeTable(state.catalog, table));
}
