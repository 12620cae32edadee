/** Another name for a table: the catalog's business only, as ids and keys hold the table's number. */
import { TrueupError } from "../../errors/index.js";
import { removeTable, renameTable as renamed } from "../catalog/edits.js";
import type { TransactionState } from "../transaction/transaction.js";
import { noTable } from "../transforms/begin-transform.js";

/**
 * O(tables). An empty table that has the new name already makes way.
 * @throws TABLE_NOT_FOUND, TABLE_EXISTS, INVALID_TABLE_NAME
 */
export async function renameTable(
  state: TransactionState,
  path: string,
  from: string,
  to: string,
): Promise<void> {
  const table = state.catalog.table(path, from);
  if (table === undefined) throw noTable(path, from);
  const taken = state.catalog.table(path, to);
  if (taken === table) return;
  if (taken !== undefined) {
    const { documents } = await state.counts(taken, true);
    if (documents > 0) {
      throw new TrueupError("TABLE_EXISTS", `There is a table "${to}" with documents already.`, {
        table: to,
        componentPath: path,
        documents,
      });
    }
    state.forgetWrites(taken.id);
    state.edit(removeTable(state.catalog, taken));
  }
  state.edit(renamed(state.catalog, table, to));
}
