/** Whether a component's stored documents are known to fit its schema; writes are held to it either way. */
import { setSchema } from "../catalog/edits.js";
import type { TransactionState } from "../transaction/transaction.js";
import type { SchemaState } from "../transforms/types.js";

export function schemaState(state: TransactionState, path: string): SchemaState {
  const pending = state.catalog.components.get(path)?.pending ?? null;
  return pending === null ? { state: "narrow" } : { state: "pending", ...pending };
}

/** All documents fit now. */
export function setNarrowed(state: TransactionState, path: string): void {
  const component = state.catalog.components.get(path);
  if (component === undefined || component.pending === null) return;
  state.edit(setSchema(state.catalog, path, component.schema, null));
}
