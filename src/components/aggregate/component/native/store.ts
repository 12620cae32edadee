/** What Trueup's own `ctx.db` offers to this component, with the types of its tables. */
import { nativeStoreOf as storeOf, type NativeStore } from "../../../../seams/index.js";
import type { DataModel } from "../_generated/dataModel.js";
import type { DatabaseReader } from "../_generated/server.js";

/** Null on every other backend. */
export function nativeStoreOf(db: DatabaseReader): NativeStore<DataModel> | null {
  return storeOf<DataModel>(db);
}
