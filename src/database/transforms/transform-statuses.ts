/** The transforms that are not done with, and how far their write-through has come. */
import type { TransactionState } from "../transaction/transaction.js";
import { requestOf } from "./shapes.js";
import type { TransformFailure, TransformStatus } from "./types.js";
import { maxFailures, readWriteThrough } from "./write-through.js";

function misplaced(id: string): TransformFailure {
  return {
    id,
    message: "It made another document than before of the same one: it is no function of its document.",
  };
}

/** O(tables + transforms). */
export async function transformStatuses(state: TransactionState): Promise<TransformStatus[]> {
  const statuses: TransformStatus[] = [];
  for (const component of state.catalog.components.values()) {
    for (const table of component.tables.values()) {
      if (table.transforms.length === 0) continue;
      const { documents: total } = await state.counts(table, true);
      const { processed, failed, failures } = await readWriteThrough(state, table);
      const impure = state.base.shapes.impure(table);
      for (const transform of table.transforms) {
        const { failure, beganAtMs } = transform;
        const isPrepared = transform.shape > table.shape;
        const found = failure === null ? [] : [failure];
        statuses.push({
          ...requestOf(table, transform),
          state: isPrepared ? "prepared" : "lagging",
          beganAtMs,
          processed: isPrepared ? 0 : processed,
          total,
          failed: isPrepared ? found.length : failed,
          failures: isPrepared ? found : [...failures, ...[...impure].map(misplaced)].slice(0, maxFailures),
          impure: isPrepared ? 0 : impure.size,
          isLoaded: state.base.shapes.functionOf(table, transform) !== undefined,
        });
      }
    }
  }
  return statuses;
}
