/** Names the place of data by its address, for those who move it. */
import type { DataPlace } from "../storage/place.js";
import { postgresPlace } from "../storage/postgres/index.js";
import { sqlitePlace } from "../storage/sqlite/index.js";

/** The place with this address: a schema of Postgres, or the path of a data file. @throws STORAGE_ADDRESS_INVALID */
export function dataPlace(address: string): DataPlace {
  return isPostgresAddress(address) ? postgresPlace(address) : sqlitePlace(address);
}

/** Whether it is the address of a database and not a path. */
export function isPostgresAddress(address: string): boolean {
  return /^postgres(?:ql)?:/.test(address);
}
