/** Names the place of data by its address, for those who move it. */
import type { DataPlace } from "../storage/place.js";
import { sqlitePlace } from "../storage/sqlite/index.js";

/** The place with this address: the path of a data file. */
export function dataPlace(address: string): DataPlace {
  return sqlitePlace(address);
}
